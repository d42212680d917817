"""Every migration goes up, down and up again with rows in the tables, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Table, func, inspect, select, text
from sqlalchemy.dialects import mysql

from medical_ai import migrations
from medical_ai.auth.models import User
from medical_ai.core.config import SettingsError
from medical_ai.core.database import Base, Database
from medical_ai.migrations import import_models
from medical_ai.ops.demo import create_demo
from medical_ai.ops.schema import (
    current_revision,
    downgrade_schema,
    head_revision,
    is_newer,
    migrate,
    upgrade_schema,
)
from tests.support.stores import mariadb_settings, sqlite_settings, tables_of

VERSION_TABLE = "alembic_version"


@pytest.fixture
def bare(
    request: pytest.FixtureRequest, database_kind: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """A database without tables."""
    if database_kind == "sqlite":
        settings = sqlite_settings(tmp_path_factory.mktemp("bare"))
    else:
        server = request.getfixturevalue("mariadb_server")
        settings = mariadb_settings(server, f"bare_{uuid4().hex[:12]}")
    database = Database(settings)
    yield database
    database.dispose()


def list_revisions() -> list[str]:
    """Return every schema version there is, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    found = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    return found[::-1]


def value_for(column: Column[Any], table: Table) -> Any:
    """Make up a value of a reflected column's type."""
    try:
        kind = column.type.python_type
    except NotImplementedError:
        kind = str
    made_up: dict[type, Any] = {
        int: 1,
        float: 1.5,
        bool: False,
        bytes: b"\x01",
        datetime: datetime.now(UTC).replace(tzinfo=None),
        date: date(2026, 11, 21),
        dict: {},
    }
    if kind in made_up:
        return made_up[kind]
    is_json = column.name in {"payload", "details", "rule"}
    text = "{}" if is_json else uuid4().hex
    length = getattr(column.type, "length", None)
    return text[:length] if length else text


def fill(connection: Connection) -> dict[str, int]:
    """Put a row into every table that has none; return how many rows each table has."""
    metadata = MetaData()
    metadata.reflect(connection)
    rows: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        if table.name == VERSION_TABLE:
            continue
        found = connection.execute(select(table)).mappings().first()
        if found is None:
            row = {
                column.name: _parent(column, rows) or value_for(column, table)
                for column in table.columns
            }
            connection.execute(table.insert().values(row))
            found = connection.execute(select(table)).mappings().one()
        rows[table.name] = dict(found)
    return counts(connection)


def counts(connection: Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    metadata = MetaData()
    metadata.reflect(connection)
    return {
        name: connection.scalar(select(func.count()).select_from(table)) or 0
        for name, table in metadata.tables.items()
        if name != VERSION_TABLE
    }


def _parent(column: Column[Any], rows: dict[str, dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        target = key.column
        return rows[target.table.name][target.name]
    return None


def differs(
    context: MigrationContext, _found: object, _wanted: object, found_type: Any, wanted_type: Any
) -> bool | None:
    """Compare binary columns by what they hold: MariaDB names the class, not the length."""
    if context.dialect.name == "sqlite":
        return None  # a file's columns have no length to compare
    classes = {mysql.TINYBLOB: 255, mysql.BLOB: 65_535, mysql.MEDIUMBLOB: 16_777_215}
    holds = classes.get(type(found_type))
    return None if holds is None else not 0 < wanted_type.length <= holds


def write(database: Database) -> Any:
    """Open a transaction that may write."""
    return database.engine.execution_options(begin_immediate=True).begin()


def test_every_version_goes_up_down_and_up_with_rows(bare: Database) -> None:
    before = "base"
    for revision in list_revisions():
        upgrade_schema(bare, to=revision)
        with write(bare) as connection:
            filled = fill(connection)
        downgrade_schema(bare, to=before)
        with write(bare) as connection:
            kept = counts(connection)
        assert all(count == filled.get(name, count) for name, count in kept.items())
        upgrade_schema(bare, to=revision)
        with write(bare) as connection:
            assert current_revision(connection) == revision
            assert min(fill(connection).values()) >= 1
        before = revision


def test_an_earlier_release_goes_on_writing_beside_every_later_version(bare: Database) -> None:
    known: dict[str, set[str]] = {}
    for revision in list_revisions():
        upgrade_schema(bare, to=revision)
        looked = inspect(bare.engine)
        now = {name: looked.get_columns(name) for name in looked.get_table_names()}
        for name, columns in known.items():
            assert columns <= {one["name"] for one in now[name]}, name
            missing = [one for one in now[name] if one["name"] not in columns]
            refused = [one for one in missing if not one["nullable"] and one["default"] is None]
            assert refused == [], f"{revision}: {name}"
        known = {name: {one["name"] for one in columns} for name, columns in now.items()}


def test_the_way_down_to_nothing_leaves_no_table(bare: Database) -> None:
    upgrade_schema(bare)
    with write(bare) as connection:
        fill(connection)
    downgrade_schema(bare, to="base")
    assert tables_of(bare) <= {VERSION_TABLE}


def test_the_newest_version_equals_the_models(bare: Database) -> None:
    import_models()
    upgrade_schema(bare)
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": differs})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_says_what_was_applied_and_the_second_time_nothing(bare: Database) -> None:
    applied = upgrade_schema(bare)
    assert [step.revision for step in applied] == list_revisions()
    assert applied[-1].revision == head_revision()
    assert all(step.description.strip() for step in applied)
    assert upgrade_schema(bare) == []


def test_tables_of_a_later_release_are_left_alone(bare: Database) -> None:
    assert not any(map(is_newer, [None, *list_revisions()]))
    migrate(bare.settings)
    permission = "a:later:one"
    with write(bare) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
        connection.execute(
            text("INSERT INTO permissions VALUES (:name, 'later', '2026-11-25 00:00:00')"),
            {"name": permission},
        )
    assert upgrade_schema(bare) == []
    said = migrate(bare.settings)
    assert len(said) == 1
    assert f"at version 0999, newer than this release, which needs {head_revision()}" in said[0]
    with bare.engine.connect() as connection:
        assert current_revision(connection) == "0999"
        kept = connection.execute(text("SELECT name FROM permissions"))
        assert permission in set(kept.scalars())


def test_a_process_that_has_migrated_does_not_keep_others_from_it(bare: Database) -> None:
    upgrade_schema(bare)
    other = Database(bare.settings)
    try:
        upgrade_schema(other)
        if not bare.is_sqlite:
            with other.engine.connect() as connection:
                free = connection.exec_driver_sql("SELECT IS_FREE_LOCK('medical_ai_schema')")
                assert free.scalar() == 1
    finally:
        other.dispose()


def test_a_new_installation_has_no_accounts(bare: Database) -> None:
    """V6.3.2: nobody is there before somebody is made, and the made-up people stay outside."""
    upgrade_schema(bare)
    with bare.reading() as session:
        assert session.scalar(select(func.count()).select_from(User)) == 0
    bare.settings = bare.settings.model_copy(update={"production": True})
    with pytest.raises(SettingsError, match="demo people"):
        create_demo(bare, password="made up")  # pragma: allowlist secret - made up
