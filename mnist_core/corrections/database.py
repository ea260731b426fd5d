"""The table of corrections in SQLite or PostgreSQL: address, transactions, failures."""

import contextlib
import math
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from mnist_core import paths
from mnist_core.errors import UserError

URL_KINDS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
LOCK_SECONDS = 2  # how long to wait for another process's lock, or for a connection
WRITE_SECONDS = 3  # a change that is not ready by then is rolled back
WRITE_LOCK = 7_203_514_481  # PostgreSQL's advisory lock of whoever writes; any number of ours
OVERHEAD = 400  # bytes of a row and its index entries beside the strokes
NOTHING_KEPT = "no correction was kept yet, or the database's address is wrong"
ADVICE = "See that it runs, has room, is writable and not locked, then try again"

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
    sql.Column("key", sql.String(32), nullable=False),  # the client's own name for it
    sql.Column("size", sql.Integer, nullable=False),  # bytes: of the strokes, and OVERHEAD
    sql.Index("corrections_token_key", "token", "key", unique=True),
    sql.Index("corrections_token_size", "token", "size"),  # sums are read from it alone
    sqlite_autoincrement=True,  # a deleted correction's id is not given to another
)
MIGRATION = (  # from the version without "key" and "size"
    "ALTER TABLE corrections ADD COLUMN key VARCHAR(32) NOT NULL DEFAULT ''",
    "ALTER TABLE corrections ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
    f"UPDATE corrections SET key = CAST(id AS VARCHAR(32)), size = length(strokes) + {OVERHEAD}",
    "DROP INDEX IF EXISTS corrections_token_created",
)


class StoreError(UserError):
    """The database can't be read or written. Nothing was changed."""


class OutcomeUnknown(StoreError):
    """The connection broke during a commit: the change may have been made, or not."""


class Database:
    """A database with our table. Every method raises StoreError when it can't be used."""

    def __init__(self, url: str | None, create: bool) -> None:
        """Open `url`, else DATABASE_URL, else the SQLite file of paths.py.

        Raises UserError where the database is not ours.
        """
        address = _address(url or os.environ.get("DATABASE_URL"))
        self._is_sqlite = address.drivername == "sqlite"
        if self._is_sqlite and not create and not Path(address.database).exists():
            raise UserError(f"there is no file {address.database}: {NOTHING_KEPT}")
        if self._is_sqlite and Path(address.database) == paths.corrections():
            with contextlib.suppress(OSError):  # connecting says why
                paths.corrections().parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(address)
        try:
            with self.writing(math.inf) as connection:
                _prepare(connection, create)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._engine.dispose()

    def reading(self) -> AbstractContextManager[sql.Connection]:
        """A transaction that only reads."""
        return self._transaction(["BEGIN" if self._is_sqlite else "SET TRANSACTION READ ONLY"])

    def writing(self, seconds: float = WRITE_SECONDS) -> AbstractContextManager[sql.Connection]:
        """A transaction that no other one writes beside, committed within `seconds` or not at all.

        So whoever asks in a later one whether a change was made gets the final answer.
        """
        if self._is_sqlite:  # what is deleted is overwritten; IMMEDIATE locks before it reads
            return self._transaction(["PRAGMA secure_delete = ON", "BEGIN IMMEDIATE"], seconds)
        begin = [f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"]
        if seconds < math.inf:
            begin.append(f"SET LOCAL statement_timeout = {round(1000 * seconds)}")
        return self._transaction([*begin, f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"], seconds)

    @contextlib.contextmanager
    def _transaction(self, begin: list[str], seconds: float = math.inf) -> Iterator[sql.Connection]:
        deadline, committing = time.monotonic() + seconds, False
        try:
            with self._engine.connect() as connection:
                for statement in begin:
                    connection.exec_driver_sql(statement)
                yield connection
                if time.monotonic() > deadline:
                    raise StoreError(f"The database takes too long: nothing was changed. {ADVICE}.")
                committing = True
                connection.commit()
        except SQLAlchemyError as error:
            lost = committing and isinstance(error, DBAPIError) and error.connection_invalidated
            kind = OutcomeUnknown if lost else StoreError
            # `from None`: the cause quotes SQL, and a log is no place for what people drew.
            raise kind(f"The database failed: {_reason(error)}. {ADVICE}.") from None


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
    if address.drivername == "sqlite":
        settings = {"timeout": LOCK_SECONDS, "isolation_level": None}
        pool = {"poolclass": sql.NullPool}
    else:  # a pooler in front of PostgreSQL (PgBouncer) knows no prepared statements
        settings = {"connect_timeout": LOCK_SECONDS, "prepare_threshold": None}
        pool = {"pool_timeout": LOCK_SECONDS, "pool_pre_ping": True}  # it may have been restarted
    try:
        return sql.create_engine(address, hide_parameters=True, connect_args=settings, **pool)
    except ImportError as error:
        raise UserError(
            "PostgreSQL needs a driver that is not installed: pip install 'psycopg[binary]'"
        ) from error


def _prepare(connection: sql.Connection, create: bool) -> None:
    """Create the table or bring it up to date. Raises UserError where it is not ours."""
    inspector, ours = sql.inspect(connection), {*CORRECTIONS.c.keys()}
    if not inspector.has_table(CORRECTIONS.name):
        if not create:
            raise UserError(f"this database holds no corrections: {NOTHING_KEPT}")
        return CORRECTIONS.create(connection)
    found = {column["name"] for column in inspector.get_columns(CORRECTIONS.name)}
    if found == ours - {"key", "size"}:
        for statement in MIGRATION:
            connection.exec_driver_sql(statement)
        for index in CORRECTIONS.indexes:
            index.create(connection)
    elif found != ours:
        name = f'this database has a table "{CORRECTIONS.name}"'
        raise UserError(f"{name} of another program or version: name another database")


def _reason(error: SQLAlchemyError) -> str:
    """SQLite's message or the name of PostgreSQL's error, whose message may quote a drawing."""
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__ if hasattr(cause, "sqlstate") else str(cause).partition("\n")[0]
