"""The database of the corrections: its address, its two tables, its transactions and its failures.

SQLAlchemy speaks to SQLite and PostgreSQL alike; what they do differently is here.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import OperationalError

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from mnist_core.errors import UserError

FILE = Path(__file__).resolve().parents[2] / "data" / "corrections.sqlite"
URL_KINDS = "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
DRIVERS = {"sqlite": "sqlite", "postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
BUSY_SECONDS = 10  # how long a write waits for another process's
# synchronous=FULL: what is acknowledged outlives even a power cut. secure_delete: what is
# removed is overwritten.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")

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
    sql.Column("network", sql.String(64), nullable=False),
    sql.Column("created", sql.DateTime(timezone=True), nullable=False),
    sql.Index("corrections_token_created", "token", "created"),
    sqlite_autoincrement=True,  # an id is never given twice, so that none names another drawing
)
# One row. SQLite has PRAGMA user_version and PostgreSQL comments; this is one way for both, and
# the row is what PostgreSQL's writers lock, so that limits are counted by one at a time.
VERSIONS = sql.Table("corrections_version", METADATA, sql.Column("version", sql.Integer))

NOTHING_KEPT = "no correction was kept yet, or the database's address is wrong"
# What a person can do, by the beginning of SQLite's name for an error, which Python 3.10 does
# not tell, or of PostgreSQL's code (postgresql.org/docs/current/errcodes-appendix.html).
REMEDIES = {
    ("SQLITE_FULL", "53100"): "the disk is full. Free some space",
    ("SQLITE_IOERR",): "the disk is full or failing. Free some space, or check the disk",
    ("SQLITE_READONLY", "SQLITE_CANTOPEN"): "the file and its folder must exist and be writable",
    ("25006", "42501"): "the database is read-only. Grant its user the right to write",
    ("SQLITE_BUSY", "55P03", "53300", "TimeoutError"): "others keep it locked. Try again",
    ("SQLITE_NOTADB", "SQLITE_CORRUPT"): "the file is no SQLite database, or damaged. Move it away",
    ("08", "57P"): "its server can't be reached. See that it runs and the address is right",
}
OTHERWISE = "See that its disk has room, that it is writable and not locked, then try again"


class StoreError(UserError):
    """The database can't be read or written; what whoever runs the page can do about it."""


class Database:
    """A database with our tables. Transactions raise StoreError when it can't be used."""

    def __init__(self, engine: sql.Engine) -> None:
        """`open` is the way in."""
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"

    @classmethod
    def open(cls, url: str | None, create: bool) -> "Database":
        """Open `url`, else DATABASE_URL, else the clone's SQLite file, as `Corrections.open`."""
        address = _address(url or os.environ.get("DATABASE_URL"))
        if not create and address.drivername == "sqlite" and not Path(address.database).exists():
            raise UserError(f"there is no file {address.database}: {NOTHING_KEPT}")
        database = cls(_engine(address))
        try:
            with database.writing() as connection:
                _prepare(connection, create)
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        self._engine.dispose()

    def reading(self) -> contextlib.AbstractContextManager[sql.Connection]:
        """A transaction that only reads, and waits for nobody."""
        return self._transaction("BEGIN" if self._sqlite else None)

    def writing(self) -> contextlib.AbstractContextManager[sql.Connection]:
        """A transaction that writes; on SQLite it is the only one.

        IMMEDIATE, because what is read before the lock could be an old state.
        """
        wait = f"SET LOCAL lock_timeout = {round(1000 * BUSY_SECONDS)}"
        return self._transaction("BEGIN IMMEDIATE" if self._sqlite else wait)

    def forget(self) -> None:
        """Take what was removed out of SQLite's log too: now or, if someone reads, a little later.

        PostgreSQL frees the space of removed rows when it next vacuums, by itself.
        """
        if self._sqlite:
            with contextlib.suppress(StoreError), self._transaction() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

    @contextlib.contextmanager
    def _transaction(self, begin: str | None = None) -> Iterator[sql.Connection]:
        try:
            with self._engine.execution_options(begin=begin).begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            # `from None`: the cause quotes SQL, and a log is no place for what people drew.
            raise StoreError(f"The corrections can't be reached: {_reason(error)}.") from None


def _address(url: str | None) -> sql.URL:
    """`url` checked, with the driver that this project uses. It may hold a password: not shown."""
    if url is None:
        return sql.URL.create("sqlite", database=str(FILE))
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
    sqlite = address.drivername == "sqlite"
    # A pooler between us and PostgreSQL's server (PgBouncer) knows no prepared statements.
    postgresql = {"connect_timeout": BUSY_SECONDS, "prepare_threshold": None}
    settings = {"connect_args": {"timeout": BUSY_SECONDS} if sqlite else postgresql}
    settings["pool_pre_ping"] = not sqlite  # the server may have been restarted meanwhile
    try:
        engine = sql.create_engine(address, hide_parameters=True, **settings)
    except ImportError as error:
        raise UserError(
            "PostgreSQL needs a driver that is not installed: pip install 'psycopg[binary]'"
        ) from error
    if sqlite:
        sql.event.listen(engine, "connect", _set_up_sqlite)
    sql.event.listen(engine, "begin", _begin)
    return engine


def _set_up_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # `_begin` says BEGIN; Python would say it too late
    deadline = time.monotonic() + BUSY_SECONDS
    for pragma in PRAGMAS:
        while True:
            try:
                connection.execute(f"PRAGMA {pragma}")
                break
            except OperationalError as error:
                # For another that turns the write-ahead log on SQLite itself does not wait.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def _begin(connection: sql.Connection) -> None:
    if statement := connection.get_execution_options().get("begin"):
        connection.exec_driver_sql(statement)


def _prepare(connection: sql.Connection, create: bool) -> None:
    """Make the tables where there are none; else raise UserError if they are not ours."""
    if connection.dialect.name == "postgresql":  # on SQLite the transaction is a lock
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(LOCK)))
    inspector = sql.inspect(connection)
    found = set(inspector.get_table_names()) & set(METADATA.tables)
    if not found:
        if not create:
            raise UserError(f"this database holds no corrections: {NOTHING_KEPT}")
        METADATA.create_all(connection)
        connection.execute(sql.insert(VERSIONS), {"version": VERSION})
        return
    versions = sql.select(VERSIONS.c.version)
    version = connection.execute(versions).scalar() if VERSIONS.name in found else None
    if version not in (None, VERSION):
        raise UserError(
            f"the corrections in this database are of version {version}, expected {VERSION}: "
            "use the program that made them, or name another database"
        )
    columns = {column["name"] for column in inspector.get_columns(CORRECTIONS.name)}
    if version is None or columns != set(CORRECTIONS.c.keys()):
        raise UserError(
            f'this database has a table "{CORRECTIONS.name}" that is not this program\'s: '
            "name another database"
        )


def _reason(error: SQLAlchemyError) -> str:
    """Why, without the error's own words: they may quote what people drew."""
    cause = getattr(error, "orig", None) or error
    name = getattr(cause, "sqlite_errorname", None) or type(cause).__name__
    if hasattr(cause, "sqlstate"):  # PostgreSQL's; it has none where no server answered
        name = cause.sqlstate or "08"
    for beginnings, remedy in REMEDIES.items():
        if name.startswith(beginnings):
            return remedy
    return f"the database failed ({name}). {OTHERWISE}"
