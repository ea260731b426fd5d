"""Corrections: what a person drew, the digit they say it is, and what the network read.

Kept in a database through SQLAlchemy: the SQLite file data/corrections.sqlite, or
the PostgreSQL that the environment variable DATABASE_URL names. Any number of threads may
share a `Corrections`, any number of processes a database; each process opens its own.

Who may see or change what is the caller's to decide: a token is all that is known of a person.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sql

from mnist_core.corrections.database import CORRECTIONS, VERSIONS, Database, StoreError
from mnist_core.drawing.strokes import Drawing, check_label, parse_strokes
from mnist_core.errors import UserError

__all__ = ["Correction", "Corrections", "LimitReached", "StoreError"]

# Limits. A person needs some seconds for a digit and its label; a script that floods does not.
MAX_PER_MINUTE = 30  # of one token
MAX_PER_TOKEN = 2_000  # an evening of drawing, and small beside the total
MAX_TOTAL = 200_000  # three times MNIST, about 300 MB at the usual 1.5 kB
MAX_BYTES = 64_000  # of one drawing's JSON: a minute of a 60 Hz pen

UTC = datetime.timezone.utc
PAGE = 200  # rows read at a time, where there may be many
MAX_ID = 2**31 - 1  # PostgreSQL's integer
IMPORT_TOKEN = "imported"  # too short for a browser's: nobody can ask for these, or remove them
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")


class LimitReached(UserError):
    """There is no room for this correction now; a sentence for the person."""


@dataclass(frozen=True)
class Correction:
    """One row: `label` is the person's digit, `answer` the network's or None, `created` UTC.

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

    @property
    def strokes(self) -> list[list[list[float]]]:
        return json.loads(self.strokes_json)

    @property
    def probabilities(self) -> list[float] | None:
        return json.loads(self.probabilities_json or "null")

    def drawing(self) -> Drawing:
        """For training and files, with a pseudonym for whose it is: a token can delete.

        "writer" is 16 hex digits, the same for all that one token gave; imports have none.
        """
        extra = self._about()
        if self.token != IMPORT_TOKEN:
            extra["writer"] = hashlib.sha256(self.token.encode()).hexdigest()[:16]
        return Drawing(self.label, parse_strokes(self.strokes), extra)

    def public(self) -> str:
        """All but the token as JSON, `created` as ISO 8601."""
        plain = json.dumps({"id": self.id, "label": self.label, **self._about()})
        probabilities = self.probabilities_json or "null"
        return f'{plain[:-1]}, "probabilities": {probabilities}, "strokes": {self.strokes_json}}}'

    def _about(self) -> dict[str, object]:
        created = self.created.isoformat()
        return {"answer": self.answer, "network": self.network, "created": created}


class Corrections:
    """The database. Every method raises StoreError when it can't be read or written."""

    def __init__(self, database: Database) -> None:
        """`open` is the way in."""
        self._database = database

    @classmethod
    def open(cls, url: str | None = None, create: bool = True) -> "Corrections":
        """Open `url`, else DATABASE_URL, else the clone's SQLite file.

        What is missing is made, or refused without `create`. Raises UserError for that, for
        an address of another kind, for tables of another version or of another program, and
        where PostgreSQL's driver is not installed.
        """
        return cls(Database.open(url, create))

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
    ) -> int:
        """Keep a correction and return its id; once it has returned, the correction is on disk.

        The same strokes of the same token replace what was kept of them, under the same id.
        Raises UserError for bad input, its subclass LimitReached where a limit is met: of
        this token in a minute or in all, of all tokens, of one drawing's size.
        """
        row = _row(_checked_token(token), label, strokes, answer, network)
        if probabilities is not None:
            row["probabilities"] = json.dumps([round(number, 6) for number in probabilities])
        same = (CORRECTIONS.c.token == token) & (CORRECTIONS.c.strokes == row["strokes"])
        with self._database.writing() as connection:
            _lock(connection)
            id = connection.execute(sql.select(CORRECTIONS.c.id).where(same)).scalar()
            _check_person(connection, row, known=id is not None)
            if id is None:
                _check_total(connection, 1)
                return connection.execute(sql.insert(CORRECTIONS), row).inserted_primary_key[0]
            connection.execute(sql.update(CORRECTIONS).where(same).values(row))
            return id

    def add_drawings(self, drawings: Iterable[Drawing]) -> int:
        """Keep drawings of a file, all or none: how many. Only the total is limited.

        They belong to IMPORT_TOKEN and date from now. "answer" and "network" are taken
        from a drawing's other keys where they are as `export` writes them.
        """
        rows = [_imported_row(*numbered) for numbered in enumerate(drawings, start=1)]
        if not rows:
            return 0
        with self._database.writing() as connection:
            _lock(connection)
            _check_total(connection, len(rows))
            connection.execute(sql.insert(CORRECTIONS), rows)
        return len(rows)

    def of(self, token: str, after: int = 0, most: int | None = None) -> list[Correction]:
        """The corrections of `token` with ids beyond `after`, the oldest first, `most` of them."""
        own = CORRECTIONS.c.token == _checked_token(token)
        return self._select(own & (CORRECTIONS.c.id > after), most)

    def all(self, last: int | None = None) -> Iterator[Correction]:
        """Every correction or the `last` newest, the oldest first; read a page at a time.

        No transaction is open between pages, so others can write however long this takes.
        What they remove or change meanwhile is met as it then is.
        """
        before = 0  # the ids that are asked for
        if last is not None:
            newest = sql.select(CORRECTIONS.c.id).order_by(CORRECTIONS.c.id.desc())
            with self._database.reading() as connection:
                before = connection.execute(newest.offset(last).limit(1)).scalar() or 0
        while page := self._select(CORRECTIONS.c.id > before, PAGE):
            yield from page
            before = page[-1].id

    def relabel(self, id: int, label: int) -> bool:
        """Give a correction another label; False where there is none with this id."""
        change = sql.update(CORRECTIONS).where(_is(id)).values(label=check_label(label))
        with self._database.writing() as connection:
            return connection.execute(change).rowcount > 0

    def delete(self, id: int, token: str | None = None) -> bool:
        """Remove a correction; with a token, only if it is that token's."""
        whose = sql.true() if token is None else CORRECTIONS.c.token == _checked_token(token)
        return self._remove(_is(id) & whose) > 0

    def delete_all(self, token: str) -> int:
        """Remove all that `token` gave: how many."""
        return self._remove(CORRECTIONS.c.token == _checked_token(token))

    def count(self) -> int:
        with self._database.reading() as connection:
            return _count(connection)

    def _select(
        self, condition: sql.ColumnElement[bool], limit: int | None = None
    ) -> list[Correction]:
        query = sql.select(CORRECTIONS).where(condition).order_by(CORRECTIONS.c.id).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [_correction(row) for row in rows]

    def _remove(self, condition: sql.ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            removed = connection.execute(sql.delete(CORRECTIONS).where(condition)).rowcount
        if removed:
            self._database.forget()
        return removed


# Writing ---------------------------------------------------------------------


def _lock(connection: sql.Connection) -> None:
    """Until the transaction ends nobody else adds: what is counted stays true."""
    connection.execute(sql.select(VERSIONS.c.version).with_for_update())


def _check_person(connection: sql.Connection, row: dict, known: bool) -> None:
    """Raise LimitReached where the row's token may not give it now, or not one more in all."""
    own = CORRECTIONS.c.token == row["token"]
    minute = datetime.timedelta(minutes=1)
    # Nor later ones: where the clock was set back, they would count until it is as late again.
    recent = CORRECTIONS.c.created.between(row["created"] - minute, row["created"] + minute)
    if _count(connection, own, recent) >= MAX_PER_MINUTE:
        raise LimitReached(
            f"You have given {MAX_PER_MINUTE} corrections within a minute: wait a little."
        )
    if not known and _count(connection, own) >= MAX_PER_TOKEN:
        raise LimitReached(
            f"You have given {MAX_PER_TOKEN:,} corrections, as many as are kept of one person: "
            "remove some first."
        )


def _check_total(connection: sql.Connection, more: int) -> None:
    # Ids only grow, so there are never more rows than the last one says: counting can wait.
    last = connection.execute(sql.select(sql.func.max(CORRECTIONS.c.id))).scalar() or 0
    if last + more > MAX_TOTAL and _count(connection) + more > MAX_TOTAL:
        raise LimitReached(
            f"There is room for {MAX_TOTAL:,} corrections in all, and too little is left. "
            "Whoever runs this page can export and remove some."
        )


def _count(connection: sql.Connection, *conditions: sql.ColumnElement[bool]) -> int:
    query = sql.select(sql.func.count()).select_from(CORRECTIONS).where(*conditions)
    return connection.execute(query).scalar_one()


def _row(token: str, label: int, strokes: object, answer: int | None, network: str) -> dict:
    return {
        "token": token,
        "label": check_label(label),
        "strokes": _strokes_text(strokes),
        "answer": answer,
        "probabilities": None,
        "network": network,
        "created": datetime.datetime.now(UTC),
    }


def _imported_row(number: int, drawing: Drawing) -> dict:
    answer, network = drawing.extra.get("answer"), drawing.extra.get("network")
    if type(answer) is not int or not 0 <= answer <= 9:
        answer = None
    if not isinstance(network, str) or not network.isprintable() or not 0 < len(network) <= 64:
        network = "imported"
    try:
        return _row(IMPORT_TOKEN, drawing.label, drawing.strokes, answer, network)
    except UserError as error:
        raise UserError(f"drawing {number}: {error}") from error


def _checked_token(token: str) -> str:
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise UserError("the token is not 16 to 64 letters, digits, - or _: reload the page")
    return token


def _strokes_text(value: object) -> str:
    strokes = parse_strokes(value)
    if not strokes:
        raise UserError("the drawing has no ink: draw the digit first")
    plain = [
        [[int(n) if n.is_integer() else n for n in point] for point in stroke.tolist()]  # 12.0: 12
        for stroke in strokes
    ]
    text = json.dumps(plain, separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise LimitReached(
            f"The drawing takes {len(text):,} bytes and {MAX_BYTES:,} are kept: "
            "draw it with fewer strokes."
        )
    return text


# Reading ---------------------------------------------------------------------


def _is(id: int) -> sql.ColumnElement[bool]:
    """The one row with this id; no row for what can't be an id."""
    return CORRECTIONS.c.id == id if 0 < id <= MAX_ID else sql.false()


def _correction(row: sql.Row) -> Correction:
    values = row._asdict()
    values["strokes_json"] = values.pop("strokes")
    values["probabilities_json"] = values.pop("probabilities")
    created = row.created  # SQLite keeps no time zone; what was written is UTC
    values["created"] = created.astimezone(UTC) if created.tzinfo else created.replace(tzinfo=UTC)
    return Correction(**values)
