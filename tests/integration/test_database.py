"""Sessions, constraints, and databases that go away."""

import threading
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership
from medical_ai.auth.permissions import Role
from medical_ai.core import clock
from medical_ai.core.database import Database, integrity_as
from medical_ai.core.errors import Conflict, Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.ops.health import HealthProbe
from medical_ai.ops.schema import upgrade_schema
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.models import Hospital
from tests.support.mariadb import MariaDBServer
from tests.support.stores import mariadb_settings, sqlite_settings
from tests.support.waiting import wait_until


def hospitals(database: Database) -> list[str]:
    """Return the slugs there are."""
    with database.reading() as session:
        return list(session.scalars(select(Hospital.slug).order_by(Hospital.slug)))


def test_a_unit_of_work_commits_when_it_ends_well(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(Hospital(slug="a", name="A"))
    assert hospitals(database) == ["a"]


def test_a_unit_of_work_that_raises_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.unit_of_work() as session:
        session.add(Hospital(slug="a", name="A"))
        session.flush()
        raise ZeroDivisionError
    assert hospitals(database) == []


@pytest.mark.commits
def test_a_connection_given_back_in_the_middle_of_its_work_leaves_nothing(
    database: Database,
) -> None:
    connection = database.engine.raw_connection()
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    columns = "id, slug, name, country, created_at"
    values = f"'{new_id().hex}', 'a', 'A', '', '2026-01-01'"
    cursor.execute(f"INSERT INTO hospitals ({columns}) VALUES ({values})")  # noqa: S608 - ours
    connection.close()
    assert hospitals(database) == []
    again = database.engine.raw_connection()
    cursor = again.cursor()
    cursor.execute("SELECT count(*) FROM hospitals")
    assert cursor.fetchone() == (0,)
    again.close()


@pytest.mark.parametrize(("refusal", "kept"), [(Unauthenticated, ["a"]), (Conflict, [])])
def test_only_refusals_worth_keeping_are_kept(
    database: Database, refusal: type[Exception], kept: list[str]
) -> None:
    with pytest.raises(refusal), database.unit_of_work() as session:
        session.add(Hospital(slug="a", name="A"))
        raise refusal
    assert hospitals(database) == kept


def test_a_broken_constraint_becomes_a_domain_error(session: Session) -> None:
    session.add(Hospital(slug="a", name="A"))
    session.flush()
    with pytest.raises(Conflict), integrity_as(session, Conflict("taken")):
        session.add(Hospital(slug="a", name="Another"))
    session.add(Hospital(slug="b", name="B"))
    session.commit()
    assert session.scalars(select(Hospital.slug).order_by(Hospital.slug)).all() == ["a", "b"]


def test_rows_of_a_hospital_that_is_not_there_are_refused(session: Session) -> None:
    session.add(Membership(user_id=new_id(), role=Role.NURSE, hospital_id=new_id()))
    with pytest.raises(IntegrityError):
        session.flush()


def test_moments_keep_their_microseconds_and_their_zone(session: Session) -> None:
    moment = clock.now()
    session.add(Hospital(slug="a", name="A", created_at=moment))
    session.flush()
    session.expire_all()
    assert session.scalars(select(Hospital.created_at)).one() == moment


def test_a_moment_without_a_zone_is_refused(session: Session) -> None:
    session.add(Hospital(slug="a", name="A", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
    with pytest.raises(StatementError):
        session.flush()


def test_letters_of_every_script_come_back(session: Session) -> None:
    name = "Žižkov 病院 🏥"
    tenancy.ensure_hospital(session, slug="a", name=name)
    session.expire_all()
    assert session.scalars(select(Hospital.name)).one() == name


@pytest.mark.commits
def test_the_same_hospital_made_by_many_at_once_is_one(database: Database) -> None:
    start, ids = threading.Barrier(6), []

    def ensure() -> None:
        start.wait()
        with database.unit_of_work() as session:
            ids.append(tenancy.ensure_default_hospital(session).id)

    threads = [threading.Thread(target=ensure) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 6
    assert len(set(ids)) == 1


def test_a_sqlite_file_that_went_away_is_an_error_and_not_an_empty_file(tmp_path: Path) -> None:
    database = Database(sqlite_settings(tmp_path))
    upgrade_schema(database)
    database.dispose()
    file = tmp_path / "medical_ai.db"
    file.rename(tmp_path / "moved.db")
    with pytest.raises(OperationalError), database.unit_of_work() as session:
        session.add(Hospital(slug="a", name="A"))
    assert not file.exists()
    (tmp_path / "moved.db").rename(file)
    with database.unit_of_work() as session:
        session.add(Hospital(slug="a", name="A"))
    assert hospitals(database) == ["a"]
    database.dispose()


def test_the_sqlite_file_is_nobody_elses_business(tmp_path: Path) -> None:
    database = Database(sqlite_settings(tmp_path / "data"))
    upgrade_schema(database)
    database.dispose()
    assert (tmp_path / "data" / "medical_ai.db").stat().st_mode & 0o077 == 0


def test_health_notices_a_sqlite_file_that_went_away_and_came_back(tmp_path: Path) -> None:
    database = Database(sqlite_settings(tmp_path))
    upgrade_schema(database)
    probe = HealthProbe(database)
    assert probe.look().status == 200
    file, moved = tmp_path / "medical_ai.db", tmp_path / "moved.db"
    file.rename(moved)
    wait_until(lambda: probe.look().status == 503, seconds=2, what="health is 503")
    moved.rename(file)
    wait_until(lambda: probe.look().status == 200, seconds=2, what="health is 200")
    database.dispose()


@pytest.fixture(scope="module")
def fragile_server() -> object:
    """A server of this module's own, to be frozen and killed."""
    with MariaDBServer() as server:
        yield server


@pytest.mark.parametrize("accident", ["freeze", "kill"])
def test_health_notices_a_mariadb_that_hangs_or_dies_and_comes_back(
    fragile_server: MariaDBServer, accident: str
) -> None:
    database = Database(mariadb_settings(fragile_server, f"health_{accident}"))
    upgrade_schema(database)
    probe = HealthProbe(database)
    assert probe.look().status == 200
    getattr(fragile_server, accident)()
    wait_until(lambda: probe.look().status == 503, seconds=2.5, what="health is 503")
    fragile_server.thaw() if accident == "freeze" else fragile_server.start()
    wait_until(lambda: probe.look().status == 200, seconds=10, what="health is 200")
    assert hospitals(database) == []  # the application's own pool works again, too
    database.dispose()
