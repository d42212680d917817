"""Backups with the real restic: what goes in comes out again, row by row, on both databases."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, func, select, text

from medical_ai.core.database import Database
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import (
    AlreadyRunning,
    Refused,
    RepositoryAway,
    WrongPassword,
)
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.proof import check_restore
from medical_ai.ops.backups.restoring import restore
from tests.integration.test_migrations import fill, write
from tests.support.backups import Site, list_databases, make_site
from tests.support.medicines import add_medicine
from tests.support.people import CANARY, Cast, create_cast


@pytest.fixture
def site(request: pytest.FixtureRequest, database_kind: str, tmp_path: Path) -> Site:
    """An installation with an empty repository."""
    server = request.getfixturevalue("mariadb_server") if database_kind == "mariadb" else None
    return make_site(database_kind, tmp_path, server)


@pytest.fixture
def live(site: Site) -> Iterator[Database]:
    """The installation's database, as the application sees it."""
    database = Database(site.settings)
    yield database
    database.dispose()


@pytest.fixture
def cast(live: Database) -> Cast:
    """The cast, Alice's medicine, and at least one row in every table."""
    people = create_cast(live)
    with live.unit_of_work() as session:
        add_medicine(session, people.alice, ["13:00"], name=CANARY)
    with write(live) as connection:
        fill(connection)
    return people


def rows_of(database: Database) -> dict[str, list[str]]:
    """Return every row of every table as the database has them, whatever the models make of it."""
    metadata = MetaData()
    with database.engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: sorted(map(str, connection.execute(table.select()).all()))
            for name, table in metadata.tables.items()
        }


def test_every_row_of_every_table_comes_back(site: Site, live: Database, cast: Cast) -> None:
    before = rows_of(live)
    assert min(len(rows) for rows in before.values()) >= 1
    document = site.settings.data_dir / "documents" / "letter"
    document.parent.mkdir()
    document.write_bytes(b"a sealed letter")
    made = make_backup(site.here)
    assert made.rows >= sum(map(len, before.values()))
    live.dispose()
    with write(Database(site.settings.as_owner())) as connection:
        if live.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_events_no_delete"))
        connection.execute(text("DELETE FROM audit_events"))
        connection.execute(text("DELETE FROM chat_messages"))
    document.unlink()
    done = restore(site.here, replace=True, with_settings=True)
    assert rows_of(live) == before
    assert document.read_bytes() == b"a sealed letter"
    assert (done.keys.closed, done.unopened, done.files) == (0, 0, 1)
    assert done.settings is not None
    assert (done.settings / "secrets" / "encryption_keys").read_bytes() == b"made up\n"


def test_what_holds_rows_is_not_overwritten(site: Site, live: Database, cast: Cast) -> None:
    make_backup(site.here)
    before = rows_of(live)
    with pytest.raises(Refused, match="--replace"):
        restore(site.here)
    assert rows_of(live) == before
