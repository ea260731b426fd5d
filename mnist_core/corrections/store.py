"""Corrections: what a person drew, the digit they say it is, and what the network answered.

Threads may share a `Corrections`; each process opens its own. A person is known only by a token.
Permissions are the caller's concern.
"""

import datetime
import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sql

from mnist_core.corrections.database import CORRECTIONS as TABLE
from mnist_core.corrections.database import ROW_OVERHEAD, Database
from mnist_core.drawing.strokes import Drawing, check_label, parse_strokes
from mnist_core.errors import UserError

MAX_DRAWING = 64_000  # bytes of JSON, a minute of a 60 Hz pen; most drawings have 1,500
MAX_OF_TOKEN, MAX_TOTAL = 10_000_000, 300_000_000  # bytes of rows
MAX_ID = 2**31 - 1  # PostgreSQL's integer
IMPORT_TOKEN = "imported"  # shorter than a person's: nobody can read or delete these with it
UTC = datetime.timezone.utc


class NotKept(UserError):
    """A correction that can't be stored; its `code` says why."""


@dataclass(frozen=True)
class Correction:
    """A row of the table. `label` is the person's digit, `answer` the network's or None.

    `strokes` and `probabilities` are parsed when read: as lists they take 20 times the memory.
    """

    id: int
    token: str
    label: int
    strokes_json: str
    answer: int | None
    probabilities_json: str | None
    network: str
    created: datetime.datetime
    key: str
    size: int

    @property
    def strokes(self) -> list[list[list[float]]]:
        return json.loads(self.strokes_json)

    @property
    def probabilities(self) -> list[float] | None:
        return json.loads(self.probabilities_json or "null")

    def drawing(self) -> Drawing:
        """The drawing for training and export; its "writer" is a hash of the token."""
        extra = self._about()
        if self.token != IMPORT_TOKEN:
            extra["writer"] = hashlib.sha256(self.token.encode()).hexdigest()[:16]
        return Drawing(self.label, parse_strokes(self.strokes), extra)

    def public(self) -> str:
        """The correction as JSON for the person who gave it; "id" is the key."""
        numbers = {"probabilities": self.probabilities, "strokes": self.strokes}
        return json.dumps({"id": self.key, "label": self.label} | self._about() | numbers)

    def _about(self) -> dict[str, object]:
        created = self.created.isoformat()
        return {"answer": self.answer, "network": self.network, "created": created}


class Corrections:
    """The stored corrections. Every method raises StoreError if the database fails."""

    def __init__(self, url: str | None = None, create: bool = True) -> None:
        """Open the database at `url`, as `Database` does."""
        self._database = Database(url, create)

    def close(self) -> None:
        self._database.close()

    def add(
        self,
        token: str,
        label: int,
        strokes: object,
        answer: int | None,
        probabilities: Sequence[float] | None,
        network: str,
        key: str | None = None,
    ) -> str:
        """Store a correction on the disk and return its key.

        The caller may choose the `key`, 32 hex digits, to `get` it or to add the same correction
        again if the reply is lost. The same strokes of the same token replace the earlier
        correction, under the new key. Raises UserError for bad input, NotKept, and OutcomeUnknown
        if the connection broke during the commit.
        """
        row = _row(label, strokes, key, token=checked_token(token), answer=answer, network=network)
        if probabilities is not None:
            row["probabilities"] = json.dumps([round(number, 6) for number in probabilities])
        same = (TABLE.c.token == token) & (TABLE.c.strokes == row["strokes"])
        with self._database.writing() as connection:
            known = connection.execute(sql.select(TABLE).where(_has_key(token, row["key"]))).first()
            if known and (known.label, known.strokes) == (label, row["strokes"]):
                return known.key
            if known:
                raise NotKept("another correction has this id: choose a new one", "id_taken")
            if not connection.execute(sql.update(TABLE).where(same).values(row)).rowcount:
                _check_room(connection, row["size"], token)
                connection.execute(sql.insert(TABLE), row)
        return row["key"]

    def add_drawings(self, drawings: Iterable[Drawing]) -> int:
        """Store drawings of a file, all or none, and return how many were new.

        Leaves out strokes that are stored with the same label, whoever gave them. Takes "answer"
        and "network" from a drawing's extra keys. Limits only the total size.
        """
        rows = [_imported_row(*numbered) for numbered in enumerate(drawings, start=1)]
        new = {(row["label"], row["strokes"]): row for row in rows}
        with self._database.writing(math.inf) as connection:
            for pair in connection.execute(sql.select(TABLE.c.label, TABLE.c.strokes)):
                new.pop(tuple(pair), None)
            _check_room(connection, sum(row["size"] for row in new.values()))
            if new:
                connection.execute(sql.insert(TABLE), list(new.values()))
        return len(new)

    def get(self, token: str, key: str) -> Correction | None:
        """The correction of `token` with this key, or None.

        Takes the write lock, so that after None no earlier write can still add it.
        """
        with self._database.writing() as connection:
            rows = connection.execute(sql.select(TABLE).where(_has_key(token, key)))
            return next(map(_correction, rows), None)

    def of(self, token: str) -> list[Correction]:
        """The corrections of `token`, oldest first."""
        return self._select(sql.select(TABLE).where(TABLE.c.token == checked_token(token)))

    def all(self) -> list[Correction]:
        """Every correction, oldest first."""
        return self._select(sql.select(TABLE))

    def relabel(self, id: int, label: int) -> bool:
        """Change a correction's label; False if there is none with this id."""
        change = sql.update(TABLE).where(_has_id(id)).values(label=check_label(label))
        return self._change(change) > 0

    def delete(self, id: int) -> bool:
        """Delete a correction, whoever gave it; False if there is none with this id."""
        return self._change(sql.delete(TABLE).where(_has_id(id))) > 0

    def delete_own(self, token: str, key: str | None = None) -> int:
        """Delete all corrections of `token`, or the one with this key; returns how many."""
        which = TABLE.c.token == checked_token(token) if key is None else _has_key(token, key)
        return self._change(sql.delete(TABLE).where(which))

    def _change(self, statement: sql.Update | sql.Delete) -> int:
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def _select(self, query: sql.Select) -> list[Correction]:
        with self._database.reading() as connection:
            return [_correction(row) for row in connection.execute(query.order_by(TABLE.c.id))]


def checked_token(token: object) -> str:
    """Return `token`. Raises UserError if it can't be one."""
    if not isinstance(token, str) or not re.fullmatch(r"[A-Za-z0-9_-]{16,64}", token):
        raise UserError("the token is not 16 to 64 letters, digits, - or _")
    return token


def checked_key(key: object) -> str:
    """Return `key`, a number in early versions. Raises UserError if it can't be one."""
    if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{32}|[1-9][0-9]{0,9}", key):
        raise UserError("the id is not 32 hex digits, 0-9 and a-f")
    return key


def _check_room(connection: sql.Connection, size: int, token: str | None = None) -> None:
    """Raise NotKept if `size` more bytes exceed the limit in all or the limit of `token`."""
    total = sql.select(sql.func.coalesce(sql.func.sum(TABLE.c.size), 0))
    if connection.execute(total).scalar_one() + size > MAX_TOTAL:
        limit = f"{MAX_TOTAL // 10**6} MB of corrections"
        raise NotKept(f"the limit of {limit} in all is reached", "store_full")
    own = total.where(TABLE.c.token == token)
    if token and connection.execute(own).scalar_one() + size > MAX_OF_TOKEN:
        limit = f"{MAX_OF_TOKEN // 10**6} MB of corrections"
        raise NotKept(f"one person may give {limit}: remove some first", "too_many_corrections")


def _row(label: int, strokes: object, key: str | None = None, **rest: object) -> dict:
    text = _strokes_json(strokes)
    return {
        "label": check_label(label),
        "strokes": text,
        "probabilities": None,
        "created": datetime.datetime.now(UTC),
        "key": uuid.uuid4().hex if key is None else checked_key(key),
        "size": len(text) + ROW_OVERHEAD,
        **rest,
    }


def _imported_row(number: int, drawing: Drawing) -> dict:
    answer, network = drawing.extra.get("answer"), drawing.extra.get("network")
    if type(answer) is not int or not 0 <= answer <= 9:
        answer = None
    if not isinstance(network, str) or not network.isprintable() or not 0 < len(network) <= 64:
        network = "imported"
    about = {"token": IMPORT_TOKEN, "answer": answer, "network": network}
    try:
        return _row(drawing.label, drawing.strokes, **about)
    except UserError as error:
        raise UserError(f"drawing {number}: {error}") from error


def _strokes_json(value: object) -> str:
    strokes = parse_strokes(value)
    if not strokes:
        raise UserError("the drawing has no ink; expected a digit")
    plain = [  # 12 rather than 12.0
        [[int(n) if n.is_integer() else n for n in point] for point in stroke.tolist()]
        for stroke in strokes
    ]
    text = json.dumps(plain, separators=(",", ":"))
    if len(text) > MAX_DRAWING:
        found = f"the drawing takes {len(text):,} bytes; expected at most {MAX_DRAWING:,}"
        raise NotKept(f"{found}: draw it with fewer points", "drawing_too_large")
    return text


def _has_id(id: int) -> sql.ColumnElement[bool]:
    return TABLE.c.id == id if 0 < id <= MAX_ID else sql.false()


def _has_key(token: str, key: str) -> sql.ColumnElement[bool]:
    return (TABLE.c.token == checked_token(token)) & (TABLE.c.key == checked_key(key))


def _correction(row: sql.Row) -> Correction:
    *values, created, key, size = row  # SQLite keeps no time zone; what was written is UTC
    utc = created.replace(tzinfo=created.tzinfo or UTC).astimezone(UTC)
    return Correction(*values, utc, key, size)
