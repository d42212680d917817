"""A migration that is cut off after any of its statements is completed by running it again."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, MetaData, event, select, text

from medical_ai.core.database import Database
from medical_ai.ops.schema import current_revision, downgrade_schema, head_revision, upgrade_schema
from tests.integration.test_migrations import fill, list_revisions, write
from tests.support.mariadb import MariaDBServer
from tests.support.stores import mariadb_settings, sqlite_settings, tables_of

CHANGE = re.compile(r"\s*(?:CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


class CutOff(Exception):
    """What befalls a migration; nothing of its catches it."""


@contextmanager
def cut_off(when: Callable[[str], bool]) -> Iterator[None]:
    """End whoever has just run a statement that changes something, where `when` says so."""

    def look(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if CHANGE.match(statement) and when(f"{statement} {parameters}"):
            raise CutOff

    event.listen(Engine, "after_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", look)


def complete_bit_by_bit(migrate: Callable[[], object]) -> int:
    """Migrate anew, cut off one statement later each time; return how often it was cut off.

    What is committed before the end stays, so this is an end after each statement there is.
    """
    seen: set[str] = set()

    def is_new(statement: str) -> bool:
        known = len(seen)
        seen.add(statement)
        return len(seen) > known

    with cut_off(is_new):
        while True:
            try:
                migrate()
            except CutOff:
                continue
            return len(seen)


def look_of(connection: Connection) -> dict[str, tuple[str, list[str]]]:
    """Return for each table how it is made, and its rows."""
    metadata = MetaData()
    metadata.reflect(connection)
    found = {}
    for name, table in metadata.tables.items():
        if connection.dialect.name == "sqlite":
            query = text("SELECT sql FROM sqlite_master WHERE tbl_name = :name ORDER BY name")
            made = str(connection.execute(query, {"name": name}).all())
        else:
            made = str(connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one())
        found[name] = made, sorted(map(str, connection.execute(select(table))))
    return found


def copy_rows(source: Database, target: Database) -> None:
    """Let a database have the rows of another that has the same tables."""
    metadata = MetaData()
    with write(source) as origin, write(target) as copy:
        metadata.reflect(origin)
        for table in reversed(metadata.sorted_tables):
            copy.execute(table.delete())
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in origin.execute(select(table)).mappings()]
            if rows:
                copy.execute(table.insert(), rows)


@pytest.fixture
def pair(mariadb_server: MariaDBServer) -> Iterator[tuple[Database, Database]]:
    """Two databases on one server: one that nothing befalls, and one for the accidents."""
    names = [f"whole_{uuid4().hex[:12]}", f"broken_{uuid4().hex[:12]}"]
    whole, broken = (Database(mariadb_settings(mariadb_server, name)) for name in names)
    yield whole, broken
    whole.dispose()
    broken.dispose()


def test_mariadb_is_never_stuck_and_ends_as_if_nothing_had_happened(
    pair: tuple[Database, Database],
) -> None:
    whole, broken = pair
    times = 0
    for revision in list_revisions():
        upgrade_schema(whole, to=revision)
        times += complete_bit_by_bit(lambda to=revision: upgrade_schema(broken, to=to))  # type: ignore[misc]
        with write(whole) as wanted, write(broken) as found:
            assert current_revision(found) == revision
            assert look_of(found) == look_of(wanted), revision
            fill(wanted)
        copy_rows(whole, broken)
    assert times > 100, "each table and index is a statement"
    assert complete_bit_by_bit(lambda: downgrade_schema(broken, to="base")) > 50
    assert tables_of(broken) <= {"alembic_version"}


@pytest.mark.parametrize("nth", [1, 20, 90])
def test_sqlite_goes_back_to_where_it_was(tmp_path: Path, nth: int) -> None:
    database = Database(sqlite_settings(tmp_path))
    upgrade_schema(database, to="0001")
    with write(database) as connection:
        fill(connection)
        before = look_of(connection)
    ran: list[str] = []

    def is_nth(statement: str) -> bool:
        ran.append(statement)
        return len(ran) == nth

    with cut_off(is_nth), pytest.raises(CutOff):
        upgrade_schema(database)
    with write(database) as connection:
        assert look_of(connection) == before
    upgrade_schema(database)
    with write(database) as connection:
        assert current_revision(connection) == head_revision()
    database.dispose()
