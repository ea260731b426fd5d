"""The table of corrections in SQLite or PostgreSQL: address, schema, transactions, errors."""

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

URL_FORMS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
LOCK_SECONDS = 2  # timeout for another process's lock and for a connection
WRITE_SECONDS = 3  # a write that takes longer is rolled back
WRITE_LOCK = 7_203_514_481  # an arbitrary key for PostgreSQL's advisory lock
ROW_OVERHEAD = 400  # bytes of a row and its index entries beside the strokes
NOTHING_KEPT = "no correction was given yet, or the database's address is wrong"
ADVICE = "Check that it is running, writable, unlocked and not full, then try again"

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
    sql.Column("key", sql.String(32), nullable=False),  # chosen by the client
    sql.Column("size", sql.Integer, nullable=False),  # bytes: strokes and ROW_OVERHEAD
    sql.Index("corrections_token_key", "token", "key", unique=True),
    sql.Index("corrections_token_size", "token", "size"),  # sums are read from it alone
    sqlite_autoincrement=True,  # the id of a deleted correction is never used again
)
MIGRATION = (  # adds "key" and "size", which the first version had not
    "ALTER TABLE corrections ADD COLUMN key VARCHAR(32) NOT NULL DEFAULT ''",
    "ALTER TABLE corrections ADD COLUMN size INTEGER NOT NULL DEFAULT 0",
    "UPDATE corrections SET key = CAST(id AS VARCHAR(32)), "
    f"size = length(strokes) + {ROW_OVERHEAD}",
    "DROP INDEX IF EXISTS corrections_token_created",
)


class StoreError(UserError):
    """The database can't be read or written. Nothing was changed."""


class OutcomeUnknown(StoreError):
    """The connection broke during a commit: the change was made or it was not."""


class Database:
    """A database with the table CORRECTIONS. Every method raises StoreError if it fails."""

    def __init__(self, url: str | None, create: bool) -> None:
        """Open `url`, else DATABASE_URL, else the SQLite file `paths.corrections()`.

        Raises UserError for another kind of address, for another program's table, and without
        `create` for a missing table.
        """
        address = _address(url or os.environ.get("DATABASE_URL"))
        self._is_sqlite = address.drivername == "sqlite"
        if self._is_sqlite and not create and not Path(address.database).exists():
            raise UserError(f"there is no file {address.database}: {NOTHING_KEPT}")
        if self._is_sqlite and Path(address.database) == paths.corrections():
            with contextlib.suppress(OSError):  # connecting raises a better error
                paths.corrections().parent.mkdir(parents=True, exist_ok=True)
        self._engine = _engine(address)
        with self.writing(math.inf) as connection:
            _prepare(connection, create)

    def close(self) -> None:
        self._engine.dispose()

    def reading(self) -> AbstractContextManager[sql.Connection]:
        """A connection for one query."""
        return self._transaction([], math.inf)

    def writing(self, seconds: float = WRITE_SECONDS) -> AbstractContextManager[sql.Connection]:
        """Open a write transaction, one at a time, committed within `seconds` or rolled back."""
        if self._is_sqlite:  # overwrites what it deletes, and locks before it reads
            return self._transaction(["PRAGMA secure_delete = ON", "BEGIN IMMEDIATE"], seconds)
        begin = [f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"]
        if seconds < math.inf:
            begin.append(f"SET LOCAL statement_timeout = {round(1000 * seconds)}")
        return self._transaction([*begin, f"SELECT pg_advisory_xact_lock({WRITE_LOCK})"], seconds)

    @contextlib.contextmanager
    def _transaction(self, begin: list[str], seconds: float) -> Iterator[sql.Connection]:
        deadline, committing = time.monotonic() + seconds, False
        try:
            with self._engine.connect() as connection:
                for statement in begin:
                    connection.exec_driver_sql(statement)
                yield connection
                if time.monotonic() > deadline:
                    raise StoreError(f"The database is too slow; nothing was changed. {ADVICE}.")
                committing = True
                connection.commit()
        except SQLAlchemyError as error:
            lost = committing and isinstance(error, DBAPIError) and error.connection_invalidated
            kind = OutcomeUnknown if lost else StoreError
            # `from None`, as the cause quotes SQL with drawings, which must not reach the log.
            raise kind(f"The database failed: {_reason(error)}. {ADVICE}.") from None


def _address(url: str | None) -> sql.URL:
    """Parse `url` and choose its driver. Errors don't quote it, as it may hold a password."""
    if url is None:
        return sql.URL.create("sqlite", database=str(paths.corrections()))
    try:
        address = sql.make_url(url)
        address = address.set(drivername=DRIVERS[address.get_backend_name()])
    except (ArgumentError, ValueError, KeyError):
        raise UserError(f"the database's address is not {URL_FORMS}") from None
    if not address.database or address.database == ":memory:":
        raise UserError(f"the database's address names no database; expected {URL_FORMS}")
    return address


def _engine(address: sql.URL) -> sql.Engine:
    """An engine for `address`, not yet connected."""
    settings = {"timeout": LOCK_SECONDS, "isolation_level": None}
    if address.drivername != "sqlite":  # PgBouncer knows no prepared statements
        settings = {"connect_timeout": LOCK_SECONDS, "prepare_threshold": None}
    options = {"hide_parameters": True, "connect_args": settings, "poolclass": sql.NullPool}
    try:
        return sql.create_engine(address, **options)
    except ImportError as error:
        what = "PostgreSQL's driver is not installed: pip install 'psycopg[binary]'"
        raise UserError(what) from error


def _prepare(connection: sql.Connection, create: bool) -> None:
    """Create or migrate the table. Raises UserError if it is another program's."""
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
        what = f'the table "{CORRECTIONS.name}" in this database has other columns than ours'
        raise UserError(f"{what}: name another database")


def _reason(error: SQLAlchemyError) -> str:
    """SQLite's message, or the class of PostgreSQL's error, whose message may quote a drawing."""
    cause = getattr(error, "orig", None) or error
    return type(cause).__name__ if hasattr(cause, "sqlstate") else str(cause).partition("\n")[0]
