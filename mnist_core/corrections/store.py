"""Corrections: what a person drew, the digit they say it is, and what the network read.

Any number of threads may share a `Corrections`, any number of processes a database; each process
opens its own. Who may see or change what is the caller's to decide: a token is all that is known
of a person.
"""

import datetime
import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sql

from mnist_core.corrections.database import CORRECTIONS as TABLE
from mnist_core.corrections.database import OVERHEAD, Database
from mnist_core.drawing.strokes import Drawing, check_label, parse_strokes
from mnist_core.errors import UserError

MAX_DRAWING = 64_000  # bytes of its JSON: a minute of a 60 Hz pen. A usual drawing has 1,500
MAX_OF_TOKEN, MAX_TOTAL = 10_000_000, 300_000_000  # bytes of rows
PAGE = 200  # rows read at a time, where there may be many
MAX_ID = 2**31 - 1  # PostgreSQL's integer
IMPORT_TOKEN = "imported"  # too short for a person's: nobody can ask for these, or remove them
UTC = datetime.timezone.utc


class NotKept(UserError):
    """This correction can't be kept. `code` says why, for programs."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Correction:
    """One row, as in the table: `label` is the person's digit, `answer` the network's or None.

    `strokes` and `probabilities` (ten, or None) are read from their JSON when they are asked for:
    as lists they take twenty times the memory.
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
        """For training and files. "writer" is a pseudonym of the token, which can delete."""
        extra = self._about()
        if self.token != IMPORT_TOKEN:
            extra["writer"] = hashlib.sha256(self.token.encode()).hexdigest()[:16]
        return Drawing(self.label, parse_strokes(self.strokes), extra)

    def public(self) -> str:
        """What its person may see, as JSON: "id" is the key, "created" ISO 8601."""
        plain = json.dumps({"id": self.key, "label": self.label, **self._about()})
        probabilities = self.probabilities_json or "null"
        return f'{plain[:-1]}, "probabilities": {probabilities}, "strokes": {self.strokes_json}}}'

    def _about(self) -> dict[str, object]:
        created = self.created.isoformat()
        return {"answer": self.answer, "network": self.network, "created": created}


class Corrections:
    """The database. Every method raises database.StoreError when it can't be read or written."""

    def __init__(self, url: str | None = None, create: bool = True) -> None:
        """Open `url`, else DATABASE_URL, else the SQLite file `paths.corrections()`.

        What is missing is made, or refused with a UserError without `create`; so are an address
        of another kind, another program's table, and PostgreSQL without its driver.
        """
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
        """Keep a correction and return its key; once it has returned, the correction is on disk.

        The caller chooses the `key`, 32 hex digits, so that `get` can tell whether it was kept
        where the answer was lost; the same correction may be given under it again. The same
        strokes of the same token replace what was kept of them, under the new key. Raises
        UserError for bad input, NotKept, and OutcomeUnknown if the commit broke off.
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
                raise NotKept("id_taken", "another correction has this id: choose a new one")
            if not connection.execute(sql.update(TABLE).where(same).values(row)).rowcount:
                _check_room(connection, row["size"], token)
                connection.execute(sql.insert(TABLE), row)
        return row["key"]

    def add_drawings(self, drawings: Iterable[Drawing]) -> int:
        """Keep drawings of a file, all or none, but those that are kept already: how many.

        The same strokes with the same label are one correction, whoever gave them. Those that are
        new belong to IMPORT_TOKEN and date from now; only the total is limited. "answer" and
        "network" are taken from a drawing's other keys where they are as `export` writes them.
        """
        rows = [_imported_row(*numbered) for numbered in enumerate(drawings, start=1)]
        new = {(row["label"], row["strokes"]): row for row in rows}
        with self._database.writing(math.inf) as connection:
            kept = sql.select(TABLE.c.label, TABLE.c.strokes)
            for pair in connection.execute(kept, execution_options={"yield_per": PAGE}):
                new.pop(tuple(pair), None)
            _check_room(connection, sum(row["size"] for row in new.values()))
            if new:
                connection.execute(sql.insert(TABLE), list(new.values()))
        return len(new)

    def get(self, token: str, key: str) -> Correction | None:
        """The correction of `token` with this key; None: it is not kept, nor about to be.

        Waits for the lock of those who write: what began before has ended by then.
        """
        with self._database.writing() as connection:
            rows = connection.execute(sql.select(TABLE).where(_has_key(token, key)))
            return next(map(_correction, rows), None)

    def of(self, token: str, after: int = 0, most: int | None = None) -> list[Correction]:
        """The corrections of `token` with ids beyond `after`, the oldest first, `most` of them."""
        return self._select((TABLE.c.token == checked_token(token)) & (TABLE.c.id > after), most)

    def all(self, last: int | None = None) -> Iterator[Correction]:
        """Every correction or the `last` newest, the oldest first.

        Read a page at a time, with no transaction open between: others can write meanwhile.
        """
        before = 0  # the ids that are asked for
        if last is not None:
            newest = sql.select(TABLE.c.id).order_by(TABLE.c.id.desc()).offset(last).limit(1)
            with self._database.reading() as connection:
                before = connection.execute(newest).scalar() or 0
        while page := self._select(TABLE.c.id > before, PAGE):
            yield from page
            before = page[-1].id

    def relabel(self, id: int, label: int) -> bool:
        """Give a correction another label; False where there is none with this id."""
        return self._change(sql.update(TABLE).where(_is(id)).values(label=check_label(label))) > 0

    def delete(self, id: int) -> bool:
        """Remove a correction, whoever gave it; False where there is none with this id."""
        return self._change(sql.delete(TABLE).where(_is(id))) > 0

    def delete_own(self, token: str, key: str | None = None) -> int:
        """Remove what `token` gave, all or the one with this key: how many."""
        which = TABLE.c.token == checked_token(token) if key is None else _has_key(token, key)
        return self._change(sql.delete(TABLE).where(which))

    def count(self) -> int:
        with self._database.reading() as connection:
            return connection.execute(sql.select(sql.func.count(TABLE.c.id))).scalar_one()

    def _change(self, statement: sql.Update | sql.Delete) -> int:
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount

    def _select(self, condition: sql.ColumnElement[bool], most: int | None) -> list[Correction]:
        query = sql.select(TABLE).where(condition).order_by(TABLE.c.id).limit(most)
        with self._database.reading() as connection:
            return [_correction(row) for row in connection.execute(query)]


def checked_token(token: object) -> str:
    """`token`, where it can be one. Raises UserError for all else."""
    if not isinstance(token, str) or not re.fullmatch(r"[A-Za-z0-9_-]{16,64}", token):
        raise UserError("the token is not 16 to 64 letters, digits, - or _")
    return token


def checked_key(key: object) -> str:
    """`key`, where it can be one; earlier versions numbered them. Raises UserError for all else."""
    if not isinstance(key, str) or not re.fullmatch("[0-9a-f]{32}|[1-9][0-9]{0,9}", key):
        raise UserError("the id is not 32 hex digits, 0-9 and a-f")
    return key


def _check_room(connection: sql.Connection, size: int, token: str | None = None) -> None:
    """Raise NotKept where `size` bytes more are too many, of `token` or of all."""
    total = sql.select(sql.func.coalesce(sql.func.sum(TABLE.c.size), 0))
    if connection.execute(total).scalar_one() + size > MAX_TOTAL:
        limit = f"{MAX_TOTAL // 10**6} MB of corrections"
        raise NotKept("store_full", f"there is room for {limit} in all, and too little is left")
    own = total.where(TABLE.c.token == token)
    if token and connection.execute(own).scalar_one() + size > MAX_OF_TOKEN:
        limit = f"{MAX_OF_TOKEN // 10**6} MB of corrections, as much as is kept of one person"
        raise NotKept("too_many_corrections", f"you gave {limit}: remove some first")


def _row(label: int, strokes: object, key: str | None = None, **rest: object) -> dict:
    text = _strokes_text(strokes)
    return {
        "label": check_label(label),
        "strokes": text,
        "probabilities": None,
        "created": datetime.datetime.now(UTC),
        "key": uuid.uuid4().hex if key is None else checked_key(key),
        "size": len(text) + OVERHEAD,
        **rest,
    }


def _imported_row(number: int, drawing: Drawing) -> dict:
    answer, network = drawing.extra.get("answer"), drawing.extra.get("network")
    if type(answer) is not int or not 0 <= answer <= 9:
        answer = None
    if not isinstance(network, str) or not network.isprintable() or not 0 < len(network) <= 64:
        network = "imported"
    given = {"token": IMPORT_TOKEN, "answer": answer, "network": network}
    try:
        return _row(drawing.label, drawing.strokes, **given)
    except UserError as error:
        raise UserError(f"drawing {number}: {error}") from error


def _strokes_text(value: object) -> str:
    strokes = parse_strokes(value)
    if not strokes:
        raise UserError("the drawing has no ink: draw the digit first")
    plain = [
        [[int(n) if n.is_integer() else n for n in point] for point in stroke.tolist()]  # 12.0: 12
        for stroke in strokes
    ]
    text = json.dumps(plain, separators=(",", ":"))
    if len(text) > MAX_DRAWING:
        found = f"the drawing takes {len(text):,} bytes and {MAX_DRAWING:,} are kept"
        raise NotKept("drawing_too_large", f"{found}: draw it simpler")
    return text


def _is(id: int) -> sql.ColumnElement[bool]:
    """The row with this id; none for what can't be one."""
    return TABLE.c.id == id if 0 < id <= MAX_ID else sql.false()


def _has_key(token: str, key: str) -> sql.ColumnElement[bool]:
    return (TABLE.c.token == checked_token(token)) & (TABLE.c.key == checked_key(key))


def _correction(row: sql.Row) -> Correction:
    *values, created, key, size = row  # SQLite keeps no time zone: what was written is UTC
    utc = created.replace(tzinfo=created.tzinfo or UTC).astimezone(UTC)
    return Correction(*values, utc, key, size)
