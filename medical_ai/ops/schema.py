"""Creating and upgrading the tables, and saying what was done."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from medical_ai import migrations
from medical_ai.auth import service as auth
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, create_schema_engine, create_sqlite_file

LOCK_NAME = "medical_ai_schema"
LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One schema version that was applied: its number and what it says of itself."""

    revision: str
    description: str


def upgrade_schema(database: Database, *, to: str = "head") -> list[Upgrade]:
    """Bring the tables to a version and return the versions applied, oldest first.

    One process migrates at a time: the second waits and then finds nothing to do. Tables that are
    newer than this release are left alone.
    """
    if database.is_sqlite:
        create_sqlite_file(database.settings)
    with _connection(database) as connection:
        _lock(connection, database)
        before = current_revision(connection)
        if is_newer(before):
            return []
        config = _config(connection)
        command.upgrade(config, to)
        after = current_revision(connection)
        connection.commit()
    script = ScriptDirectory.from_config(config)
    if before == after:
        return []
    steps = script.walk_revisions(before or "base", after or "base")
    applied = [Upgrade(one.revision, one.doc or "") for one in steps if one.revision != before]
    return applied[::-1]


def migrate(settings: Settings) -> list[str]:
    """Bring tables and permissions to this release as the database's owner; say what was done."""
    owner = Database(settings.as_owner())
    kind = "embedded SQLite" if owner.is_sqlite else "MariaDB"
    try:
        steps = upgrade_schema(owner)
        said = [f"applied {one.revision}: {one.description.splitlines()[0]}" for one in steps]
        with owner.engine.connect() as connection:
            version = current_revision(connection)
        place = f"The {kind} database is at version {version}"
        if is_newer(version):
            # Its permissions as well: this release would forget those that it does not know.
            return [f"{place}, newer than this release, which needs {head_revision()}: left alone."]
        # Its rows as well: what the application may do with a new table is granted after this.
        sync_permissions(owner)
        return [*said, f"{place}."]
    finally:
        owner.dispose()


def sync_permissions(database: Database) -> None:
    """Let every hospital's roles have what this release declares, as far as it is not withdrawn."""
    with database.unit_of_work() as session:
        auth.sync_permissions(session)


def downgrade_schema(database: Database, *, to: str) -> None:
    """Take the tables back to a version; `base` removes them."""
    with _connection(database) as connection:
        _lock(connection, database)
        command.downgrade(_config(connection), to)
        connection.commit()


def current_revision(connection: Connection) -> str | None:
    """Return the version the tables are at; None when there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Return the newest version this release knows."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def is_newer(revision: str | None) -> bool:
    """Tell whether tables of this version were made by a later release.

    After a rollback they are, and that is well: releases only add to them, and number what they
    add.
    """
    return revision is not None and revision > (head_revision() or "")


def fits_release(revision: str) -> bool:
    """Tell whether this release can work with tables of this version."""
    return revision == head_revision() or is_newer(revision)


def _connection(database: Database) -> Connection:
    # A table rebuilt by batch mode must not fire its children's ON DELETE: SQLite looks at this
    # pragma only outside a transaction, so it is set on a connection of our own.
    engine = create_schema_engine(database).execution_options(begin_immediate=True)
    connection = engine.connect()
    if database.is_sqlite:
        connection.connection.execute("PRAGMA foreign_keys=OFF")
    # Not the pool's any more: closing it really closes it, and MariaDB's lock goes with it.
    connection.detach()
    return connection


def _lock(connection: Connection, database: Database) -> None:
    if not database.is_sqlite:  # BEGIN IMMEDIATE is SQLite's lock
        got = connection.execute(
            text("SELECT GET_LOCK(:name, :seconds)"), {"name": LOCK_NAME, "seconds": LOCK_SECONDS}
        ).scalar()
        if got != 1:
            raise TimeoutError("another process is migrating the database")


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.attributes["connection"] = connection
    return config
