"""Migrated databases of both kinds, each made once, and what isolates one test from another."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import sessionmaker

from medical_ai.bootstrap import wire_ports
from medical_ai.core.config import Settings
from medical_ai.core.database import Base, Database
from medical_ai.migrations import import_models
from medical_ai.ops.schema import upgrade_schema
from tests.support.mariadb import MariaDBServer
from tests.support.settings import make_settings


class Store:
    """One migrated database that tests use in turn."""

    def __init__(self, settings: Settings) -> None:
        import_models()
        wire_ports()
        self.settings = settings
        self.database = Database(settings)
        upgrade_schema(self.database)
        self._is_dirty = False

    def clean(self) -> None:
        """Remove every row that an earlier test committed."""
        if not self._is_dirty:
            return
        engine = self.database.engine.execution_options(begin_immediate=True)
        with engine.begin() as connection, without_triggers(connection):
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
        self._is_dirty = False

    @contextmanager
    def committing(self, settings: Settings) -> Iterator[Database]:
        """Lend a database whose rows are really committed, and cleared before the next test."""
        self.clean()
        self._is_dirty = True
        database = Database(settings)
        try:
            yield database
        finally:
            database.dispose()

    @contextmanager
    def rolled_back(self, settings: Settings) -> Iterator[Database]:
        """Lend a database that lives in one outer transaction, which is rolled back.

        A commit inside releases a savepoint only. Everything shares one connection, so this
        suits one thread.
        """
        self.clean()
        database = Database(settings)
        engine = self.database.engine.execution_options(begin_immediate=True)
        with engine.connect() as connection:
            outer = connection.begin()
            sessions = sessionmaker(connection, join_transaction_mode="create_savepoint")
            database._readers = database._writers = sessions
            try:
                yield database
            finally:
                outer.rollback()
        database.dispose()


@contextmanager
def without_triggers(connection: Connection) -> Iterator[None]:
    """Let a test do to SQLite's audit log what only its file's owner could."""
    triggers: list[Any] = []
    if connection.dialect.name == "sqlite":
        query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = list(connection.execute(query))
    for trigger in triggers:
        connection.execute(text(f"DROP TRIGGER {trigger.name}"))
    yield
    for trigger in triggers:
        connection.execute(text(trigger.sql))


def sqlite_settings(folder: Path, **overrides: object) -> Settings:
    """Return settings for an embedded database in a folder."""
    return make_settings(data_dir=folder, **overrides)


def mariadb_settings(server: MariaDBServer, name: str, **overrides: object) -> Settings:
    """Return settings for a new database on a private server."""
    return make_settings(database_url=server.create_database(name), **overrides)


def tables_of(database: Database) -> set[str]:
    """Return the names of the tables there are."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if database.is_sqlite
        else "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    )
    with database.engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def everything_in(database: Database) -> dict[str, list[str]]:
    """Return every row of every table but the access log's."""
    with database.engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(table.select()).all()))
            for name, table in Base.metadata.tables.items()
            if name != "audit_events"
        }
