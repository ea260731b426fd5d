"""Corrections: what a person drew, the digit they say it is, and what the network read.

Kept in a database through SQLAlchemy: the SQLite file data/corrections.sqlite, or
the PostgreSQL that the environment variable DATABASE_URL names. Any number of threads may
share a `Corrections`, any number of processes a database; each process opens its own.

Who may see or change what is the caller's to decide: a token is all that is known of a person.
"""

import contextlib
import datetime
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mnist_core.strokes import Drawing, parse_strokes

FILE = Path(__file__).resolve().parents[1] / "data" / "corrections.sqlite"
URL_KINDS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"

# Limits. A person needs some seconds for a digit and its label; a script that floods does not.
MAX_PER_MINUTE = 30  # of one token
MAX_PER_TOKEN = 2_000  # an evening of drawing, and small beside the total
MAX_TOTAL = 200_000  # three times MNIST, about 300 MB at the usual 1.5 kB
MAX_BYTES = 64_000  # of one drawing's JSON: a minute of a 60 Hz pen
MAX_NETWORK = 64  # characters

BUSY_SECONDS = 10  # how long a write waits for another process's
MAX_ID = 2**31 - 1  # PostgreSQL's integer
IMPORT_TOKEN = "imported"  # too short for a browser's: nobody can ask for these, or remove them
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")

VERSION = 1  # of the two tables below; raise it when they change
LOCK = 7_203_514_481  # PostgreSQL's, while the tables are made; any number that is ours
METADATA = sql.MetaData()
CORRECTIONS = sql.Table(
    "corrections",
    METADATA,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("token", sql.String(64), nullable=False),
    sql.Column("label", sql.SmallInteger, nullable=False),
    sql.Column("strokes", sql.Text, nullable=False),
    sql.Column("answer", sql.SmallInteger),
    sql.Column("probabilities", sql.Text),
    sql.Column("network", sql.String(MAX_NETWORK), nullable=False),
    sql.Column("created", sql.DateTime(timezone=True), nullable=False),
    sql.Index("corrections_token_created", "token", "created"),
    sqlite_autoincrement=True,  # an id is never given twice, so that none names another drawing
)
# One row. SQLite has PRAGMA user_version and PostgreSQL comments; this is one way for both, and
# the row is what PostgreSQL's writers lock, so that limits are counted by one at a time.
VERSIONS = sql.Table("corrections_version", METADATA, sql.Column("version", sql.Integer))

DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
# synchronous=FULL: what is acknowledged outlives even a power cut. secure_delete: what is
# removed is overwritten.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
REASONS = {  # part of SQLite's message, or PostgreSQL's SQLSTATE: what a person can do
    "database or disk is full": "the disk is full. Free some space",
    "53100": "the database's disk is full. Free some space",
    "disk I/O error": "the disk is full or failing. Free some space, or check the disk",
    "readonly": "the file, its -wal and -shm or their folder are read-only. Make all writable",
    "25006": "the database is read-only. Make it writable",
    "42501": "the database's user may not write there. Grant it the right to",
    "unable to open": "the file can't be opened. Its folder must exist and be writable",
    "locked": "another process keeps the database locked. Try again",
    "55P03": "another process keeps the database locked. Try again",
    "not a database": "the file is not an SQLite database. Move it away or name another",
    "malformed": "the file is damaged. Move it away or restore a copy",
    "53300": "the database has too many connections. Try again",
    "QueuePool": "too many are writing at once. Try again",
    "57P": "the database's server can't be reached. See that it runs and its address is right",
}


class LimitReached(ValueError):
    """There is no room for this correction now; a sentence for the person."""


class StoreError(OSError):
    """The database can't be read or written now; one sentence with the reason and the remedy."""


@dataclass(frozen=True)
class Correction:
    """One row: `label` is the person's digit, `answer` the network's or None, `created` UTC.

    `strokes` and `probabilities` (ten, or None) are as JSON gives them.
    """

    id: int
    token: str
    label: int
    strokes: list[list[list[float]]]
    answer: int | None
    probabilities: list[float] | None
    network: str
    created: datetime.datetime

    def drawing(self) -> Drawing:
        """For training and files. Whose it is stays behind."""
        extra = {
            "answer": self.answer,
            "network": self.network,
            "created": self.created.isoformat(),
        }
        return Drawing(self.label, parse_strokes(self.strokes), extra)


class Corrections:
    """The database. Every method raises StoreError when it can't be read or written."""

    def __init__(self, engine: sql.Engine) -> None:
        """`open` is the way in."""
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        wait = f"SET LOCAL lock_timeout = {round(1000 * BUSY_SECONDS)}"
        # SQLite's IMMEDIATE is for writers: a count read before the lock could be an old one.
        self._reader = engine.execution_options(begin="BEGIN" if self._sqlite else None)
        self._writer = engine.execution_options(begin="BEGIN IMMEDIATE" if self._sqlite else wait)

    @classmethod
    def open(cls, url: str | None = None) -> "Corrections":
        """Open `url`, else DATABASE_URL, else the clone's SQLite file; make what is missing.

        Raises ValueError for an address of another kind, for tables of another
        version or of another program, and where PostgreSQL's driver is not installed.
        """
        store = cls(_engine(_address(url or os.environ.get("DATABASE_URL"))))
        try:
            with store._transaction(store._writer) as connection:
                _prepare(connection)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        self._engine.dispose()

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

        Raises ValueError for bad input, its subclass LimitReached where a limit is
        met: of this token in a minute or in all, of all tokens, of one drawing's size.
        """
        row = _row(_checked_token(token), label, strokes, answer, probabilities, network)
        with self._transaction(self._writer) as connection:
            _lock(connection)
            _check_token_limits(connection, token, row["created"])
            _check_total(connection, 1)
            return connection.execute(sql.insert(CORRECTIONS), row).inserted_primary_key[0]

    def add_drawings(self, drawings: Iterable[Drawing]) -> int:
        """Keep drawings of a file, all or none: how many. Only the total is limited.

        They belong to IMPORT_TOKEN and date from now. "answer" and "network" are taken
        from a drawing's other keys where they are as `export` writes them.
        """
        rows = [_imported_row(*numbered) for numbered in enumerate(drawings, start=1)]
        if not rows:
            return 0
        with self._transaction(self._writer) as connection:
            _lock(connection)
            _check_total(connection, len(rows))
            connection.execute(sql.insert(CORRECTIONS), rows)
        return len(rows)

    def of(self, token: str) -> list[Correction]:
        """The corrections of `token`, the oldest first."""
        return self._select(CORRECTIONS.c.token == _checked_token(token))

    def all(self) -> list[Correction]:
        """Every correction, the oldest first."""
        return self._select(sql.true())

    def get(self, id: int) -> Correction | None:
        return next(iter(self._select(_is(id))), None)

    def relabel(self, id: int, label: int, token: str | None = None) -> bool:
        """Give a correction another label; with a token, only if it is that token's."""
        change = sql.update(CORRECTIONS).where(_is(id, token)).values(label=_digit(label, "label"))
        with self._transaction(self._writer) as connection:
            return connection.execute(change).rowcount > 0

    def delete(self, id: int, token: str | None = None) -> bool:
        """Remove a correction; with a token, only if it is that token's."""
        return self._remove(_is(id, token)) > 0

    def delete_all(self, token: str) -> int:
        """Remove all that `token` gave: how many."""
        return self._remove(CORRECTIONS.c.token == _checked_token(token))

    def count(self) -> int:
        with self._transaction(self._reader) as connection:
            return _count(connection)

    def _select(self, condition: sql.ColumnElement[bool]) -> list[Correction]:
        query = sql.select(CORRECTIONS).where(condition).order_by(CORRECTIONS.c.id)
        with self._transaction(self._reader) as connection:
            return [_correction(row) for row in connection.execute(query)]

    def _remove(self, condition: sql.ColumnElement[bool]) -> int:
        """PostgreSQL frees the space of removed rows when it next vacuums, by itself."""
        with self._transaction(self._writer) as connection:
            removed = connection.execute(sql.delete(CORRECTIONS).where(condition)).rowcount
        if removed and self._sqlite:
            # Old pages are in the log still. They go now or, if someone reads, a little later.
            with contextlib.suppress(StoreError), self._transaction(self._engine) as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
        return removed

    @contextlib.contextmanager
    def _transaction(self, engine: sql.Engine) -> Iterator[sql.Connection]:
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            # `from None`: the cause quotes SQL, and a log is no place for what people drew.
            raise StoreError(f"The corrections can't be reached: {_reason(error)}.") from None


# Opening ---------------------------------------------------------------------


def _address(url: str | None) -> sql.URL:
    """`url` checked, with the driver that this project uses. It may hold a password: not shown."""
    if url is None:
        return sql.URL.create("sqlite", database=str(FILE))
    try:
        address = sql.make_url(url)
        address = address.set(drivername=DRIVERS[address.get_backend_name()])
    except (ArgumentError, ValueError, KeyError):
        raise ValueError(f"the database's address is not one of {URL_KINDS}") from None
    if not address.database or address.database == ":memory:":
        raise ValueError(f"the database's address names no database; expected {URL_KINDS}")
    return address


def _engine(address: sql.URL) -> sql.Engine:
    """What connects to `address`. Nothing is connected yet."""
    if address.drivername == "sqlite":
        settings = {"connect_args": {"timeout": BUSY_SECONDS}}
    else:  # a pooler between us and the server (PgBouncer) knows no prepared statements
        settings = {
            "connect_args": {"connect_timeout": BUSY_SECONDS, "prepare_threshold": None},
            "pool_pre_ping": True,  # the server may have been restarted meanwhile
        }
    try:
        engine = sql.create_engine(address, hide_parameters=True, **settings)
    except ImportError as error:
        raise ValueError(
            "PostgreSQL needs a driver that is not installed: pip install 'psycopg[binary]'"
        ) from error
    if address.drivername == "sqlite":
        sql.event.listen(engine, "connect", _set_up_sqlite)
    sql.event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection, _record) -> None:
    connection.isolation_level = None  # `_begin` says BEGIN; Python would say it too late
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sql.Connection) -> None:
    if statement := connection.get_execution_options().get("begin"):
        connection.exec_driver_sql(statement)


def _prepare(connection: sql.Connection) -> None:
    """Make the tables where there are none; else raise ValueError if they are not ours."""
    if connection.dialect.name == "postgresql":  # on SQLite the transaction is a lock
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(LOCK)))
    inspector = sql.inspect(connection)
    found = set(inspector.get_table_names()) & set(METADATA.tables)
    if not found:
        METADATA.create_all(connection)
        connection.execute(sql.insert(VERSIONS), {"version": VERSION})
        return
    version = None
    if VERSIONS.name in found:
        version = connection.execute(sql.select(VERSIONS.c.version)).scalar()
    if version not in (None, VERSION):
        raise ValueError(
            f"the corrections in this database are of version {version}, expected {VERSION}: "
            "use the program that made them, or name another database"
        )
    columns = {column["name"] for column in inspector.get_columns(CORRECTIONS.name)}
    if version is None or columns != set(CORRECTIONS.c.keys()):
        raise ValueError(
            f'this database has a table "{CORRECTIONS.name}" that is not this program\'s: '
            "name another database"
        )


def _reason(error: SQLAlchemyError) -> str:
    """Why, without the error's own words: they may quote what people drew."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None)  # PostgreSQL's; None where it wasn't reached
    told = state or str(cause)
    for sign, reason in REASONS.items():
        if sign in told:
            return reason
    if hasattr(cause, "sqlstate") and state is None:
        return REASONS["57P"]
    return f"the database failed ({state or type(cause).__name__}). Try again"


# Writing ---------------------------------------------------------------------


def _lock(connection: sql.Connection) -> None:
    """Until the transaction ends nobody else adds: what is counted stays true."""
    connection.execute(sql.select(VERSIONS.c.version).with_for_update())


def _check_token_limits(connection: sql.Connection, token: str, now: datetime.datetime) -> None:
    own = CORRECTIONS.c.token == token
    minute_ago = now - datetime.timedelta(minutes=1)
    if _count(connection, own, CORRECTIONS.c.created > minute_ago) >= MAX_PER_MINUTE:
        raise LimitReached(
            f"You have given {MAX_PER_MINUTE} corrections within a minute: wait a little."
        )
    if _count(connection, own) >= MAX_PER_TOKEN:
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


def _row(
    token: str,
    label: int,
    strokes: object,
    answer: int | None,
    probabilities: Sequence[float] | None,
    network: str,
) -> dict:
    """A row to insert, everything in it but the token checked."""
    if not isinstance(network, str) or not 0 < len(network) <= MAX_NETWORK:
        raise ValueError(f"the network is {network!r:.80}; expected 1 to {MAX_NETWORK} characters")
    if not network.isprintable():
        raise ValueError("the network's name holds characters that can't be printed")
    return {
        "token": token,
        "label": _digit(label, "label"),
        "strokes": _strokes_text(strokes),
        "answer": None if answer is None else _digit(answer, "answer"),
        "probabilities": None if probabilities is None else _probabilities_text(probabilities),
        "network": network,
        "created": datetime.datetime.now(datetime.timezone.utc),
    }


def _imported_row(number: int, drawing: Drawing) -> dict:
    answer, network = drawing.extra.get("answer"), drawing.extra.get("network")
    known = type(answer) is int and 0 <= answer <= 9
    named = isinstance(network, str) and 0 < len(network) <= MAX_NETWORK and network.isprintable()
    given = (answer if known else None, None, network if named else "imported")
    try:
        return _row(IMPORT_TOKEN, drawing.label, drawing.strokes, *given)
    except ValueError as error:
        raise ValueError(f"drawing {number}: {error}") from error


def _checked_token(token: str) -> str:
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise ValueError("the token is not 16 to 64 letters, digits, - or _: reload the page")
    return token


def _digit(value: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= 9:
        raise ValueError(f"the {what} is {value!r:.40}; expected a digit, 0 to 9")
    return value


def _strokes_text(value: object) -> str:
    strokes = parse_strokes(value)
    if not strokes:
        raise ValueError("the drawing has no ink: draw the digit first")
    plain = [[[_short(x), _short(y)] for x, y in stroke.tolist()] for stroke in strokes]
    text = json.dumps(plain, separators=(",", ":"))
    if len(text) > MAX_BYTES:
        raise LimitReached(
            f"The drawing takes {len(text):,} bytes and {MAX_BYTES:,} are kept: "
            "draw it with fewer strokes."
        )
    return text


def _short(number: float) -> float:
    """Whole numbers as such: 12, not 12.0."""
    return int(number) if number.is_integer() else number


def _probabilities_text(value: Sequence[float]) -> str:
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (10,) or not ((numbers >= 0) & (numbers <= 1)).all():
        raise ValueError("the probabilities are not ten numbers from 0 to 1")
    return json.dumps([round(number, 6) for number in numbers.tolist()])


# Reading ---------------------------------------------------------------------


def _is(id: int, token: str | None = None) -> sql.ColumnElement[bool]:
    """The one row with this id, if it is of this token; no row for what can't be an id."""
    if type(id) is not int or not 0 < id <= MAX_ID:
        return sql.false()
    one = CORRECTIONS.c.id == id
    return one if token is None else one & (CORRECTIONS.c.token == _checked_token(token))


def _correction(row: sql.Row) -> Correction:
    fields = dict(row._mapping)
    created = fields["created"]
    if created.tzinfo is None:  # SQLite keeps none; what was written is UTC
        created = created.replace(tzinfo=datetime.timezone.utc)
    probabilities = fields["probabilities"]
    return Correction(
        **{
            **fields,
            "strokes": json.loads(fields["strokes"]),
            "probabilities": None if probabilities is None else json.loads(probabilities),
            "created": created.astimezone(datetime.timezone.utc),
        }
    )
