"""Rights on a real MariaDB: the statements that are printed are those that are missing."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pymysql
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.ops.backups.errors import LoadFailed
from medical_ai.ops.backups.mariadb import MariaStore
from medical_ai.ops.host import server_settings
from medical_ai.ops.host.checks import database as checks
from medical_ai.ops.host.programs import Ran
from medical_ai.ops.host.rights import SEALED, connected, find_missing, grant_as_owner
from medical_ai.ops.schema import upgrade_schema
from tests.support.host import host_of
from tests.support.mariadb import MariaDBServer
from tests.support.settings import make_settings
from tests.support.stores import sqlite_settings, tables_of

PASSWORD = "a password of no use"  # pragma: allowlist secret - made up
NAME, SCRATCH = f"rights_{uuid4().hex[:12]}", "rights_scratch"
BESIDE = f"{NAME}_beside"


@dataclass
class Place:
    """A database whose two users are as the administrator has just made them."""

    server: MariaDBServer
    settings: Settings

    def run(self, *statements: str) -> None:
        """Run statements as the administrator."""
        with pymysql.connect(unix_socket=str(self.server.socket), user="root") as connection:
            for statement in statements:
                connection.cursor().execute(statement)

    def missing(self) -> list[str]:
        """Return what is missing."""
        return find_missing(self.settings, scratch=SCRATCH)


@pytest.fixture
def place(mariadb_server: MariaDBServer) -> Iterator[Place]:
    """Return one whose users may do nothing yet."""
    url = make_url(mariadb_server.create_database(NAME)).set(password=PASSWORD)
    urls = {who: url.set(username=who).render_as_string(False) for who in ("r_user", "r_owner")}
    settings = make_settings(database_url=urls["r_user"], migration_database_url=urls["r_owner"])
    made = Place(mariadb_server, settings)
    for who in urls:
        made.run(f"CREATE OR REPLACE USER {who}@'%' IDENTIFIED BY '{PASSWORD}'")
    yield made
    made.run(
        "SET foreign_key_checks = 0",
        f"DROP DATABASE `{NAME}`",
        *(f"DROP USER {who}@'%'" for who in urls),
    )


def test_a_restore_beside_says_what_it_lacks(place: Place, tmp_path: Path) -> None:
    store = MariaStore(place.settings.as_owner(), folder=tmp_path, seconds=10, name=BESIDE)
    with pytest.raises(LoadFailed, match="may not create it") as refused:
        store.create()
    _, *statements = str(refused.value).splitlines()
    assert len(statements) == 2
    place.run(*statements)
    try:
        store.create()
        assert store.list_rows() == {}
    finally:
        place.run(f"DROP DATABASE {BESIDE}")


def test_the_statements_are_all_that_is_needed(place: Place) -> None:
    place.run(
        f"GRANT SELECT ON `{NAME}`.* TO r_owner@'%'",
        f"GRANT SELECT ON `{NAME}`.* TO r_user@'%'",
    )
    first = place.missing()
    assert first == [
        f"GRANT ALL PRIVILEGES ON `{NAME}`.* TO 'r_owner'@'%';",
        f"GRANT ALL PRIVILEGES ON `{SCRATCH}`.* TO 'r_owner'@'%';",
        f"GRANT SELECT, INSERT ON `{NAME}`.* TO 'r_user'@'%';",
    ]
    place.run(*first)
    assert place.missing() == []
    owner = Database(place.settings.as_owner())
    upgrade_schema(owner)
    then = place.missing()
    changed = {one.split("`")[3] for one in then}
    assert changed == tables_of(owner) - SEALED - {"alembic_version"}
    owner.dispose()
    grant_as_owner(place.settings, then)
    assert place.missing() == then, "the owner may not grant"
    place.run(*then)
    assert place.missing() == []
    judged = checks.check_rights(host_of(place.settings, Path("/")))
    assert judged.level.value == "ok", judged


def test_an_owner_who_may_grant_does_so(place: Place) -> None:
    place.run(
        f"GRANT ALL ON `{NAME}`.* TO r_owner@'%' WITH GRANT OPTION",
        f"GRANT ALL ON `{SCRATCH}`.* TO r_owner@'%'",
        f"GRANT SELECT, INSERT ON `{NAME}`.* TO r_user@'%'",
    )
    owner = Database(place.settings.as_owner())
    upgrade_schema(owner)
    owner.dispose()
    missing = place.missing()
    assert len(missing) > 20
    grant_as_owner(place.settings, missing)
    assert place.missing() == []


def test_rights_on_another_database_do_not_count(place: Place) -> None:
    everything = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES"
    place.run(
        f"GRANT {everything} ON `{NAME}`.* TO r_owner@'%'",
        f"GRANT ALL ON `{SCRATCH}`.* TO r_owner@'%'",
        f"GRANT SELECT ON `{NAME}`.* TO r_user@'%'",
        f"GRANT ALL ON `{SCRATCH}`.* TO r_user@'%'",
    )
    assert place.missing() == [f"GRANT SELECT, INSERT ON `{NAME}`.* TO 'r_user'@'%';"]


def test_the_embedded_database_has_no_users(tmp_path: Path) -> None:
    assert find_missing(sqlite_settings(tmp_path), scratch=SCRATCH) == []


def test_who_does_not_get_in(place: Place) -> None:
    with pytest.raises(OperationalError):
        place.missing()


# -- the server's settings


def test_what_waits_for_a_restart(
    mariadb_server: MariaDBServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(database_url=mariadb_server.create_database(NAME))
    host = host_of(settings, tmp_path)
    assert checks.check_server_settings(host).level.value == "ok", "none of ours is here"
    file = tmp_path / server_settings.OURS
    file.parent.mkdir(parents=True)
    file.write_text("[mariadbd]\nlong_query_time = 3\ninnodb_buffer_pool_size = 64M\nport = 1\n")

    def read_the_file(*_command: str) -> Ran:
        command = ["my_print_defaults", f"--defaults-file={file}", "--mariadbd"]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        return Ran(0, said.stdout)

    monkeypatch.setattr(server_settings, "run", read_the_file)
    found = checks.check_server_settings(host)
    assert found.level.value == "warn"
    assert found.found.endswith(": long_query_time, port")
    assert "systemctl restart mariadb" in found.mend
    with connected(settings) as connection:
        waiting = server_settings.find_differences(connection, tmp_path)
        statements = {one.name: one.statement for one in waiting}
        connection.exec_driver_sql(statements["long_query_time"])
        left = server_settings.find_differences(connection, tmp_path)
        assert [one.name for one in left] == ["port"]
        connection.exec_driver_sql("SET GLOBAL long_query_time = DEFAULT")
