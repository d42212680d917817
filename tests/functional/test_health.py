"""`/health` tells the truth, quickly, and recovers by itself."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops import heartbeat
from medical_ai.ops.backups.service import BACKUP, record_run
from medical_ai.ops.schema import upgrade_schema
from tests.support.http import Api
from tests.support.mariadb import MariaDBServer
from tests.support.processes import Site, web
from tests.support.stores import mariadb_settings, sqlite_settings
from tests.support.waiting import wait_until


def test_without_a_worker_it_is_degraded_and_says_so(api: Api) -> None:
    response = api.get("/health")
    health = response.get_json()
    assert response.status_code == 200
    assert (health["status"], health["database"]) == ("degraded", "connected")
    assert health["reminders"]["status"] == "never-started"
    assert set(health) >= {"status", "database", "reminders", "version", "checks"}


def test_with_a_worker_it_is_healthy(app: Flask, api: Api, database: Database) -> None:
    with database.unit_of_work() as session:
        heartbeat.beat(session, worker="here:1", lateness_p99_seconds=0.4)
    health = api.get("/health").get_json()
    assert (health["status"], health["reminders"]["status"]) == ("healthy", "running")
    assert health["reminders"]["lateness_p99_seconds"] == 0.4


def test_its_length_does_not_tell_one_state_from_another(
    api: Api, app: Flask, database: Database
) -> None:
    lengths = {len(api.get("/health").get_data())}
    for lateness in (None, 0.4, 123.4):
        with database.unit_of_work() as session:
            heartbeat.beat(session, worker="here:1", lateness_p99_seconds=lateness)
        probe = app.extensions["medical_ai.health"].look()
        lengths.add(len(probe.body))
    assert lengths == {512}


def test_it_needs_no_sign_in_and_holds_no_secret(api: Api, app: Flask) -> None:
    text = api.get("/health").get_data(as_text=True)
    settings = app.extensions["medical_ai.database"].settings
    for secret in (settings.jwt_secret, settings.database_url, settings.encryption_keys):
        value = secret.get_secret_value()
        assert not value or value not in text
    assert str(settings.data_dir) not in text


@pytest.mark.parametrize("path", ["/health/ready", "/health/live"])
def test_orchestrators_have_their_own_addresses(api: Api, path: str) -> None:
    assert api.get(path).status_code == 200


@pytest.fixture(scope="module")
def fragile_server() -> Iterator[MariaDBServer]:
    """A server of this module's own, to be frozen and killed."""
    with MariaDBServer() as server:
        yield server


def goes_away_and_comes_back(site: Site, go_away: object, come_back: object) -> None:
    """Check that the site says 503 within two seconds and mends itself afterwards."""
    assert site.health()[0] == 200
    go_away()
    gone_at = time.monotonic()
    wait_until(lambda: site.health() == (503, "unhealthy"), seconds=2, what="health is 503")
    assert time.monotonic() - gone_at < 2.5
    assert site.get("/health").json()["database"] == "unreachable"
    assert site.get("/health/ready").status_code == 503
    assert site.get("/health/live").status_code == 200
    come_back()
    wait_until(lambda: site.health()[0] == 200, seconds=15, what="health is 200 again")
    assert site.post("/auth/login", {"email": "a@example.org", "password": "x"}).status_code == 401


def test_a_sqlite_file_that_is_moved_away_is_an_outage(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path, trusted_proxy_hops=0)
    database = Database(settings)
    upgrade_schema(database)
    database.dispose()
    file, moved = tmp_path / "medical_ai.db", tmp_path / "moved.db"
    with web(settings, tmp_path) as site:
        goes_away_and_comes_back(site, lambda: file.rename(moved), lambda: moved.rename(file))


@pytest.mark.parametrize("accident", ["freeze", "kill"])
def test_a_mariadb_that_hangs_or_dies_is_an_outage(
    fragile_server: MariaDBServer, accident: str, tmp_path: Path
) -> None:
    settings = mariadb_settings(
        fragile_server, f"outage_{accident}", data_dir=tmp_path, trusted_proxy_hops=0
    )
    database = Database(settings)
    upgrade_schema(database)
    database.dispose()
    come_back = fragile_server.thaw if accident == "freeze" else fragile_server.start
    with web(settings, tmp_path) as site:
        goes_away_and_comes_back(site, getattr(fragile_server, accident), come_back)


def test_a_backup_that_is_late_degrades_it_and_says_when_the_last_was(
    api: Api, database: Database
) -> None:
    with database.unit_of_work() as session:
        heartbeat.beat(session, worker="here:1", lateness_p99_seconds=0.4)
    health = api.get("/health").get_json()
    assert health["checks"]["backup"] == health["checks"]["restore_proof"] == "pass"
    assert health["backups"] == {"last_backup_at": None, "last_restore_proof_at": None}
    ended_at = clock.now() - timedelta(days=3)
    with time_machine.travel(ended_at, tick=False), database.unit_of_work() as session:
        record_run(session, kind=BACKUP, started_at=ended_at)
    health = api.get("/health/ready").get_json()  # /health itself is answered from memory
    assert (health["status"], health["checks"]["backup"]) == ("degraded", "warn")
    assert health["backups"]["last_backup_at"] == ended_at.isoformat(timespec="milliseconds")
