"""The database's users change their own passwords; whatever was interrupted, a run completes."""

import os
import pwd
from pathlib import Path

import pymysql
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from medical_ai.core.config import Settings
from medical_ai.ops.host import rotation
from medical_ai.ops.host.privileges import ChildFailed, NotAllowed
from medical_ai.ops.host.secret_files import SecretFolder
from tests.support.mariadb import MariaDBServer
from tests.support.settings import make_settings

OLD = "an old password of no use"  # pragma: allowlist secret - made up
NEXT = "the next password of no use"  # pragma: allowlist secret - made up
NAMES = (rotation.SERVICE_URL, rotation.OWNER_URL)
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def folder(mariadb_server: MariaDBServer, tmp_path: Path) -> SecretFolder:
    """The URLs of the service's user and of the owner, on a private server."""
    made = SecretFolder(tmp_path)
    mariadb_server.create_database("rotated")
    with pymysql.connect(unix_socket=str(mariadb_server.socket), user="root") as connection:
        cursor = connection.cursor()
        for name, user, rights in (
            ("database_url", "medical_user", "SELECT, INSERT, UPDATE, DELETE"),
            ("migration_database_url", "medical_owner", "ALL"),
        ):
            cursor.execute(f"CREATE OR REPLACE USER {user}@localhost IDENTIFIED BY '{OLD}'")
            cursor.execute(f"GRANT {rights} ON rotated.* TO {user}@localhost")
            url = f"mysql+pymysql://{user}@localhost/rotated?unix_socket={mariadb_server.socket}"
            made.write(name, spell(url, OLD))
    return made


def spell(url: str, password: str) -> str:
    """Return a URL with a password."""
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def opens(url: str) -> bool:
    """Tell whether a URL opens the database."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT 1")).scalar_one() == 1
    except OperationalError:
        return False
    finally:
        engine.dispose()


def rotate(folder: SecretFolder, settings: Settings | None = None) -> list[rotation.Step]:
    """Rotate both URLs."""
    return rotation.rotate_database(folder, folder, settings or make_settings(), user=ME)


def test_both_users_get_new_passwords_without_any_rights(folder: SecretFolder) -> None:
    before = {name: folder.read(name) for name in NAMES}
    steps = rotate(folder)
    assert [step.is_new for step in steps] == [True, True]
    for name, url in before.items():
        assert not opens(url)
        assert opens(folder.read(name))
        assert make_url(folder.read(name)).password not in " ".join(one.words for one in steps)
    assert sorted(one.name for one in folder.folder.iterdir()) == sorted(NAMES)


def test_a_run_that_died_before_the_database_knew_is_completed(folder: SecretFolder) -> None:
    old = folder.read("database_url")
    folder.write("database_url_next", spell(old, NEXT))
    rotate(folder)
    assert make_url(folder.read("database_url")).password == NEXT
    assert opens(folder.read("database_url"))


def test_a_run_that_died_after_the_database_knew_is_completed(folder: SecretFolder) -> None:
    old = folder.read("database_url")
    new = spell(old, NEXT)
    folder.write("database_url_next", new)
    rotation.change_password(make_settings(), old, new)
    rotate(folder)
    assert folder.read("database_url") == new
    assert opens(new)
    assert folder.read("database_url_next") == ""


def test_a_password_that_somebody_else_changed_is_said_and_nothing_is_lost(
    folder: SecretFolder,
) -> None:
    wrong = spell(folder.read("database_url"), "not the password")
    folder.write("database_url", wrong)
    with pytest.raises((NotAllowed, ChildFailed), match="ALTER USER"):
        rotate(folder)
    assert folder.read("database_url") == wrong


def test_a_database_that_is_away_changes_nothing(folder: SecretFolder) -> None:
    before = folder.read("database_url")
    nowhere = make_url(before).update_query_dict({"unix_socket": "/nowhere/mysql.sock"})
    away = nowhere.render_as_string(hide_password=False)
    folder.write("database_url", away)
    with pytest.raises(ChildFailed) as failed:
        rotate(folder)
    assert failed.value.kind == "OperationalError"
    assert folder.read("database_url") == away
