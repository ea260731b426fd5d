"""Corrections: what a person drew, the digit they say it is, and what the network read.

Any number of threads may share a `Corrections`, any number of processes a database; each process
opens its own. Who may see or change what is the caller's to decide: a token is all that is known
of a person.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sql

from mnist_core.corrections.database import CORRECTIONS, Database, StoreError
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
        """All but the token as JSON, `created` as ISO 8601."""
        plain = json.dumps({"id": self.id, "label": self.label, **self._about()})
        probabilities = self.probabilities_json or "null"
        return f'{plain[:-1]}, "probabilities": {probabilities}, "strokes": {self.strokes_json}}}'

    def _about(self) -> dict[str, object]:
        created = self.created.isoformat()
        return {"answer": self.answer, "network": self.network, "created": created}


class Corrections:
    """The database. Every method raises StoreError when it can't be read or written."""

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
    ) -> int:
        """Keep a correction and return its id; once it has returned, the correction is on disk.

        The same strokes of the same token replace what was kept of them, under the same id.
        Raises UserError for bad input, its subclass LimitReached where a limit is met.
        """
        row = _row(label, strokes, token=_checked_token(token), answer=answer, network=network)
        if probabilities is not None:
            row["probabilities"] = json.dumps([round(number, 6) for number in probabilities])
        same = (CORRECTIONS.c.token == token) & (CORRECTIONS.c.strokes == row["strokes"])
        with self._database.writing() as connection:
            id = connection.execute(sql.select(CORRECTIONS.c.id).where(same)).scalar()
            _check_person(connection, row, known=id is not None)
            if id is None:
                _check_total(connection, 1)
                return connection.execute(sql.insert(CORRECTIONS), row).inserted_primary_key[0]
            connection.execute(sql.update(CORRECTIONS).where(same).values(row))
            return id

    def add_drawings(self, drawings: Iterable[Drawing]) -> int:
        """Keep drawings of a file, all or none, but those that are kept already: how many.

        The same strokes with the same label are one correction, whoever gave them. Those that are
        new belong to IMPORT_TOKEN and date from now; only the total is limited. "answer" and
        "network" are taken from a drawing's other keys where they are as `export` writes them.
        """
        rows = [_imported_row(*numbered) for numbered in enumerate(drawings, start=1)]
        new = {(row["label"], row["strokes"]): row for row in rows}
        with self._database.writing() as connection:
            kept = sql.select(CORRECTIONS.c.label, CORRECTIONS.c.strokes)
            for pair in connection.execute(kept, execution_options={"yield_per": PAGE}):
                new.pop(tuple(pair), None)
            _check_total(connection, len(new))
            if new:
                connection.execute(sql.insert(CORRECTIONS), list(new.values()))
        return len(new)

    def of(self, token: str, after: int = 0, most: int | None = None) -> list[Correction]:
        """The corrections of `token` with ids beyond `after`, the oldest first, `most` of them."""
        own = CORRECTIONS.c.token == _checked_token(token)
        return self._select(own & (CORRECTIONS.c.id > after), most)

    def all(self, last: int | None = None) -> Iterator[Correction]:
        """Every correction or the `last` newest, the oldest first.

        Read a page at a time, with no transaction open between: others can write meanwhile.
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
        return self._database.change(change) > 0

    def delete(self, id: int, token: str | None = None) -> bool:
        """Remove a correction; with a token, only if it is that token's."""
        whose = sql.true() if token is None else CORRECTIONS.c.token == _checked_token(token)
        return self._database.remove(_is(id) & whose) > 0

    def delete_all(self, token: str) -> int:
        """Remove all that `token` gave: how many."""
        return self._database.remove(CORRECTIONS.c.token == _checked_token(token))

    def count(self) -> int:
        with self._database.reading() as connection:
            return _count(connection)

    def _select(self, condition: sql.ColumnElement[bool], most: int | None) -> list[Correction]:
        query = sql.select(CORRECTIONS).where(condition).order_by(CORRECTIONS.c.id).limit(most)
        with self._database.reading() as connection:
            return [_correction(row) for row in connection.execute(query)]


def _check_person(connection: sql.Connection, row: dict, known: bool) -> None:
    """Raise LimitReached where the row's token may not give it now, or not one more in all."""
    own = CORRECTIONS.c.token == row["token"]
    minute = datetime.timedelta(minutes=1)
    # Nor later ones, which would count for long where the clock was set back.
    recent = CORRECTIONS.c.created.between(row["created"] - minute, row["created"] + minute)
    if _count(connection, own, recent) >= MAX_PER_MINUTE:
        raise LimitReached(f"You gave {MAX_PER_MINUTE} corrections within a minute: wait a little.")
    if not known and _count(connection, own) >= MAX_PER_TOKEN:
        raise LimitReached(
            f"You gave {MAX_PER_TOKEN:,} corrections, as many as are kept: remove some first."
        )


def _check_total(connection: sql.Connection, more: int) -> None:
    # Ids only grow, so there are never more rows than the last one says: counting can wait.
    last = connection.execute(sql.select(sql.func.max(CORRECTIONS.c.id))).scalar() or 0
    if last + more > MAX_TOTAL and _count(connection) + more > MAX_TOTAL:
        raise LimitReached(
            f"There is room for {MAX_TOTAL:,} corrections in all, and too little is left: whoever "
            "runs this page can remove some."
        )


def _count(connection: sql.Connection, *conditions: sql.ColumnElement[bool]) -> int:
    query = sql.select(sql.func.count()).select_from(CORRECTIONS).where(*conditions)
    return connection.execute(query).scalar_one()


def _row(label: int, strokes: object, **rest: object) -> dict:
    checked = {"label": check_label(label), "strokes": _strokes_text(strokes)}
    return {**checked, "probabilities": None, "created": datetime.datetime.now(UTC), **rest}


def _imported_row(number: int, drawing: Drawing) -> dict:
    answer, network = drawing.extra.get("answer"), drawing.extra.get("network")
    if type(answer) is not int or not 0 <= answer <= 9:
        answer = None
    if not isinstance(network, str) or not network.isprintable() or not 0 < len(network) <= 64:
        network = "imported"
    try:
        given = {"token": IMPORT_TOKEN, "answer": answer, "network": network}
        return _row(drawing.label, drawing.strokes, **given)
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
            f"The drawing takes {len(text):,} bytes and {MAX_BYTES:,} are kept: draw it simpler."
        )
    return text


def _is(id: int) -> sql.ColumnElement[bool]:
    """The row with this id; none for what can't be one."""
    return CORRECTIONS.c.id == id if 0 < id <= MAX_ID else sql.false()


def _correction(row: sql.Row) -> Correction:
    *values, created = row  # SQLite keeps no time zone: what was written is UTC
    return Correction(*values, created.replace(tzinfo=created.tzinfo or UTC).astimezone(UTC))
