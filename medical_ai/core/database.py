"""The database: one engine, plain sessions, one commit at the edge.

SQLite runs in WAL mode with foreign keys on, and we begin its transactions ourselves: a reader
begins deferred, a writer immediately, so that no transaction finds out half-way that it cannot
write. MariaDB is reached through PyMySQL with a checked pool and, when configured, verified TLS.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pymysql.constants import SERVER_STATUS
from sqlalchemy import (
    Connection,
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    Engine,
    Enum,
    Executable,
    MetaData,
    Select,
    Update,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.pool import NullPool, PoolResetState
from sqlalchemy.types import TypeDecorator

from medical_ai.core.config import Settings
from medical_ai.core.crypto import KeyRing
from medical_ai.core.errors import DomainError

SQLITE_BUSY_MS = 10_000
LOG_BUSY_MS = 100
"""Emptying the log keeps writers waiting while it waits for readers."""
SCHEMA_TIMEOUT_SECONDS = 4 * 3600
BATCH = 500


class Base(DeclarativeBase):
    """Parent of every table; constraints get predictable names so migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment in Python, stored as UTC with microseconds and no zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Ask MariaDB for microseconds, which it leaves out by default."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the hook's signature
        """Refuse naive moments; turn the rest into naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the hook's signature
        """Give the moment its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


def enum_column(kind: type[Any], length: int = 24) -> Enum:
    """Return a column type that stores a StrEnum's values as text and refuses others."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=length,
        validate_strings=True,
        values_callable=lambda members: [member.value for member in members],
    )


class Database:
    """The engine and the sessions of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.engine = _create_engine(settings)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._readers = sessionmaker(self.engine)
        self._writers = sessionmaker(self.engine.execution_options(begin_immediate=True))
        self._keyring: KeyRing | None = None

    @property
    def keyring(self) -> KeyRing:
        """The ring that wraps patients' data keys; made at first use."""
        if self._keyring is None:
            self._keyring = KeyRing(self.settings.ring_keys)
        return self._keyring

    def open_session(self, *, writes: bool) -> Session:
        """Open a session that the caller closes; a writer takes SQLite's lock at once."""
        session = (self._writers if writes else self._readers)()
        session.info["database"] = self
        session.info["kept"] = {}
        return session

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """Open a writing session, commit when the block ends well, roll back when it raises.

        For jobs, commands and tool calls; a request has its own session and commits at its edge.
        """
        kept: dict[Hashable, Base] = {}
        try:
            with self.open_session(writes=True) as session:
                session.info["kept"] = kept
                try:
                    yield session
                except DomainError as error:
                    if error.keeps_work:
                        session.commit()
                    raise
                session.commit()
        finally:
            self.store(kept)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads."""
        with self.open_session(writes=False) as session:
            yield session

    def store(self, kept: dict[Hashable, Base]) -> None:
        """Store rows that were kept apart from their session, in a transaction of their own."""
        if kept:
            with self.open_session(writes=True) as session:
                session.add_all(kept.values())
                session.commit()

    def empty_log(self) -> None:
        """Let SQLite's log of changes go, which holds pages as they were before a deletion.

        Gives up at once where somebody is reading; MariaDB looks after its own.
        """
        if not self.is_sqlite:
            return
        with self.engine.connect() as connection:
            connection.detach()  # its patience is changed: it does not go back to the pool
            connection.connection.execute(f"PRAGMA busy_timeout={LOG_BUSY_MS}")
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def database_of(session: Session) -> Database:
    """Return the database that a session belongs to."""
    return cast("Database", session.info["database"])


def kept_rows(session: Session) -> dict[Hashable, Base]:
    """Return the rows to be stored when the session is over, whatever becomes of its own work.

    What somebody looked at, or was refused, is a fact even where nothing else is written. A row
    has a key, so that the same fact is kept once.
    """
    return cast("dict[Hashable, Base]", session.info["kept"])


def settings_of(session: Session) -> Settings:
    """Return the settings of the process that a session belongs to."""
    return database_of(session).settings


def rows_changed(session: Session, change: Update | Delete) -> int:
    """Run an UPDATE or DELETE and return how many rows its conditions met.

    This is how work is claimed: the database decides who won, and zero means somebody else.
    Objects already loaded are not brought up to date.
    """
    result = session.execute(change.execution_options(synchronize_session=False))
    return result.rowcount if isinstance(result, CursorResult) else 0


def upsert(
    database: Database, table: type[Base], values: dict[str, Any], changed: list[tuple[str, Any]]
) -> Executable:
    """Return one statement that inserts a row, or changes the one that has its key.

    Look-then-insert ends in deadlocks on MariaDB when the first of a kind come at the same moment.
    MariaDB assigns in the order of `changed`: a later value sees what an earlier one made.
    """
    if database.is_sqlite:
        return sqlite.insert(table).values(values).on_conflict_do_update(set_=dict(changed))
    return mysql.insert(table).values(values).on_duplicate_key_update(changed)


def in_batches(session: Session, query: Select[Any], key: Any) -> Iterator[Any]:
    """Return the rows of a query in order of a unique column, a few hundred in memory at once.

    Not by a server's cursor: while one is open, PyMySQL can ask nothing else.
    """
    page = session.scalars(query.order_by(key).limit(BATCH)).all()
    while page:
        yield from page
        if len(page) < BATCH:
            return
        last = getattr(page[-1], key.key)
        page = session.scalars(query.where(key > last).order_by(key).limit(BATCH)).all()


@contextmanager
def integrity_as(session: Session, error: DomainError) -> Iterator[None]:
    """Turn a broken constraint inside the block into a domain error; the rest survives."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError:
        raise error from None


def _create_engine(settings: Settings) -> Engine:
    if settings.sqlalchemy_url.startswith("sqlite"):
        return _create_sqlite_engine(settings)
    engine = create_engine(
        settings.sqlalchemy_url,
        pool_reset_on_return=None,  # by _end_transaction instead
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_pool_overflow,
        pool_timeout=settings.database_connect_timeout_seconds,
        pool_pre_ping=True,
        pool_recycle=1800,
        isolation_level="READ COMMITTED",
        connect_args=mariadb_connect_args(settings),
    )
    event.listen(engine, "reset", _end_transaction)
    return engine


def _end_transaction(connection: Any, _record: Any, state: PoolResetState) -> None:
    # A session ends its own; the pool would send a second ROLLBACK after every request. The
    # server says with each of its answers whether a transaction is open.
    is_open = connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS
    if is_open and not state.transaction_was_reset:
        connection.rollback()


def mariadb_connect_args(settings: Settings) -> dict[str, Any]:
    """Return PyMySQL's arguments: timeouts, charset, and TLS that is verified, not preferred."""
    arguments: dict[str, Any] = {
        "charset": "utf8mb4",
        "connect_timeout": settings.database_connect_timeout_seconds,
        "read_timeout": settings.database_timeout_seconds,
        "write_timeout": settings.database_timeout_seconds,
    }
    if settings.database_ssl_ca is not None:
        arguments |= {
            "ssl_ca": str(settings.database_ssl_ca),
            "ssl_verify_cert": True,
            "ssl_verify_identity": True,
        }
    return arguments


def create_schema_engine(database: Database) -> Engine:
    """Return an engine for migrations: one connection, and as long as a table takes to rebuild."""
    if database.is_sqlite:
        return database.engine
    arguments = mariadb_connect_args(database.settings)
    patient = {"read_timeout": SCHEMA_TIMEOUT_SECONDS, "write_timeout": SCHEMA_TIMEOUT_SECONDS}
    return create_engine(
        database.settings.sqlalchemy_url, poolclass=NullPool, connect_args=arguments | patient
    )


def _create_sqlite_engine(settings: Settings) -> Engine:
    path = make_url(settings.sqlalchemy_url).database or ""
    # mode=rw: a file that went away is an outage. Opening it must not create an empty one.
    engine = create_engine(
        f"sqlite:///file:{path}?mode=rw&uri=true",
        connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def create_sqlite_file(settings: Settings) -> bool:
    """Create the embedded database's file, private to its owner; tell whether it was new."""
    path = Path(make_url(settings.sqlalchemy_url).database or "")
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    return True


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own BEGIN comes late and never IMMEDIATE: switch it off and begin ourselves.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={SQLITE_BUSY_MS}",
        "secure_delete=ON",  # what was deleted is overwritten, not only let go
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("begin_immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
