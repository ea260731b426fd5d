"""The database of the corrections: its address, its table, its transactions and its failures.

SQLAlchemy speaks to SQLite and PostgreSQL alike; what they do differently is here.
"""

import contextlib
import functools
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mnist_core import paths
from mnist_core.errors import UserError

URL_KINDS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
BUSY_SECONDS = 10  # how long a write waits for another process's
LOCK = 7_203_514_481  # PostgreSQL's for who writes; any number that is ours
# What is acknowledged outlives even a power cut (EXTRA). What is removed is overwritten
# (secure_delete) and in no file beside: the journal is gone when the transaction ends (DELETE).
PRAGMAS = ("synchronous=EXTRA", "secure_delete=ON", "journal_mode=DELETE")
# On a full disk SQLite has no room for the journal that it needs to remove rows. So a file beside
# the database is given up for it, larger than so many of the largest rows.
RESERVE = 4 << 20  # bytes
AT_ONCE = 50

CORRECTIONS = sql.Table(
    "corrections",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("token", sql.String(64), nullable=False),
    sql.Column("label", sql.SmallInteger, nullable=False),
    sql.Column("strokes", sql.Text, nullable=False),
    sql.Column("answer", sql.SmallInteger),
    sql.Column("probabilities", sql.Text),
    sql.Column("network", sql.String(64), nullable=False),
    sql.Column("created", sql.DateTime(timezone=True), nullable=False),
    sql.Index("corrections_token_created", "token", "created"),
    sqlite_autoincrement=True,  # an id is never given twice, so that none names another drawing
)

UNREACHABLE = "The corrections can't be reached"
NOTHING_KEPT = "no correction was kept yet, or the database's address is wrong"
FULL = "the disk is full"
# What a person can do, by the beginning of what SQLite says, or of PostgreSQL's code
# (postgresql.org/docs/current/errcodes-appendix.html).
REMEDIES = {
    ("database or disk is full", "53100"): f"{FULL}. Free some space",
    ("disk I/O error",): f"{FULL} or failing. Free some space, or check the disk",
    ("attempt to write", "unable to open"): "the file and its folder must exist and be writable",
    ("25006", "42501"): "the database is read-only. Grant its user the right to write",
    ("database is locked", "55P03", "53300", "QueuePool"): "others keep it locked. Try again",
    ("file is", "database disk"): "the file is no SQLite database, or damaged. Move it away",
    ("08", "57P"): "its server can't be reached. See that it runs and the address is right",
}
OTHERWISE = "See that its disk has room, that it is writable and not locked, then try again"


class StoreError(UserError):
    """The database can't be read or written; what whoever runs the page can do about it."""


class Database:
    """A database with our table. Every method raises StoreError when it can't be used."""

    def __init__(self, url: str | None, create: bool) -> None:
        """Open `url`, else DATABASE_URL, else the clone's SQLite file, as `Corrections` does."""
        address = _address(url or os.environ.get("DATABASE_URL"))
        self._file = address.database if address.drivername == "sqlite" else None
        if self._file and not Path(self._file).exists():
            if not create:
                raise UserError(f"there is no file {self._file}: {NOTHING_KEPT}")
            with contextlib.suppress(OSError):  # connecting says why
                if Path(self._file) == paths.corrections():
                    Path(self._file).parent.mkdir(parents=True, exist_ok=True)
                Path(self._file).touch()
        self._reserve = Path(f"{self._file}-reserve")
        self._engine = _engine(address)
        try:
            with self.writing() as connection:
                _prepare(connection, create)
        except BaseException:
            self.close()
            raise
        self._make_reserve()

    def close(self) -> None:
        self._engine.dispose()

    def reading(self) -> contextlib.AbstractContextManager[sql.Connection]:
        """A transaction that only reads."""
        return self._transaction("BEGIN" if self._file else "SET TRANSACTION READ ONLY")

    def writing(self) -> contextlib.AbstractContextManager[sql.Connection]:
        """A transaction that writes; it is the only one, so what is counted in it stays true."""
        if self._file:  # IMMEDIATE: what is read before the lock could be an old state
            return self._transaction("BEGIN IMMEDIATE")
        wait = f"SET LOCAL lock_timeout = {round(1000 * BUSY_SECONDS)}"
        return self._transaction(f"{wait}; SELECT pg_advisory_xact_lock({LOCK})")

    def change(self, statement: sql.Update | sql.Delete) -> int:
        """Run `statement` in a transaction of its own: how many rows it met."""
        with self.writing() as connection:
            return connection.execute(statement).rowcount

    def remove(self, condition: sql.ColumnElement[bool]) -> int:
        """Remove rows, a few at a time, also where the disk is full: how many.

        They leave SQLite's file at once. PostgreSQL frees their space when it next vacuums.
        """
        some = sql.select(CORRECTIONS.c.id).where(condition).limit(AT_ONCE)
        removal, removed = sql.delete(CORRECTIONS).where(CORRECTIONS.c.id.in_(some)), 0
        while True:
            try:
                more = self.change(removal)
            except StoreError as error:
                if not self._file or FULL not in str(error):
                    raise
                self._reserve.unlink(missing_ok=True)  # SQLite needs room for its journal
                more = self.change(removal)
                self._make_reserve()
            removed += more
            if more < AT_ONCE:
                return removed

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sql.Connection]:
        found = self._found()
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(begin)
                yield connection
                connection.commit()
                if self._found() != found:
                    raise StoreError(f"{UNREACHABLE}: its file was just moved. Put it back.")
        except SQLAlchemyError as error:
            # `from None`: the cause quotes SQL, and a log is no place for what people drew.
            raise StoreError(f"{UNREACHABLE}: {_reason(error)}.") from None

    def _found(self) -> int | None:
        """Which file has the name of SQLite's; None where it was taken away, or for PostgreSQL."""
        with contextlib.suppress(OSError):
            return os.stat(self._file).st_ino if self._file else None

    def _make_reserve(self) -> None:
        if self._file and not self._reserve.exists():
            with contextlib.suppress(OSError):  # the disk is full already, or read-only
                self._reserve.write_bytes(bytes(RESERVE))


def _address(url: str | None) -> sql.URL:
    """`url` checked, with the driver that this project uses. It may hold a password: not shown."""
    if url is None:
        return sql.URL.create("sqlite", database=str(paths.corrections()))
    try:
        address = sql.make_url(url)
        address = address.set(drivername=DRIVERS[address.get_backend_name()])
    except (ArgumentError, ValueError, KeyError):
        raise UserError(f"the database's address is not one of {URL_KINDS}") from None
    if not address.database or address.database == ":memory:":
        raise UserError(f"the database's address names no database; expected {URL_KINDS}")
    return address


def _engine(address: sql.URL) -> sql.Engine:
    """What connects to `address`. Nothing is connected yet."""
    if address.drivername == "sqlite":  # opened for each transaction: it may have been replaced
        connect = functools.partial(_connect_sqlite, address.database)
        options = {"creator": connect, "poolclass": sql.NullPool}
    else:  # a pooler before PostgreSQL's server (PgBouncer) knows no prepared statements
        settings = {"connect_timeout": BUSY_SECONDS, "prepare_threshold": None}
        options = {"connect_args": settings, "pool_pre_ping": True}  # it may have been restarted
    try:
        return sql.create_engine(address, hide_parameters=True, **options)
    except ImportError as error:
        raise UserError(
            "PostgreSQL needs a driver that is not installed: pip install 'psycopg[binary]'"
        ) from error


def _connect_sqlite(file: str) -> sqlite3.Connection:
    """Open a file that is there: SQLite itself would make another where it was taken away."""
    address = f"{Path(file).absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sql.Connection, create: bool) -> None:
    """Make the table where there is none; else raise UserError if it is not ours."""
    inspector = sql.inspect(connection)
    if not inspector.has_table(CORRECTIONS.name):
        if not create:
            raise UserError(f"this database holds no corrections: {NOTHING_KEPT}")
        CORRECTIONS.create(connection)
    elif {it["name"] for it in inspector.get_columns(CORRECTIONS.name)} != {*CORRECTIONS.c.keys()}:
        raise UserError(
            f'this database has a table "{CORRECTIONS.name}" that is not this program\'s, or '
            "another version's: name another database"
        )


def _reason(error: SQLAlchemyError) -> str:
    """Why, without the error's own words: they may quote what people drew."""
    cause = getattr(error, "orig", None) or error
    # PostgreSQL's errors have a code, but for those where no server answered.
    known = (cause.sqlstate or "08") if hasattr(cause, "sqlstate") else str(cause)
    for beginnings, remedy in REMEDIES.items():
        if known.startswith(beginnings):
            return remedy
    name = getattr(cause, "sqlstate", None) or type(cause).__name__
    return f"the database failed ({name}). {OTHERWISE}"
