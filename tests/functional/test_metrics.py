"""`/metrics`: who may read it, what it counts, and that it says nothing of anybody."""

import os
import re
import secrets
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from medical_ai.core import clock
from medical_ai.core.config import Settings, SettingsError
from medical_ai.core.database import Database
from medical_ai.core.settings_checks import check_settings
from medical_ai.ops import heartbeat
from medical_ai.ops.backups.service import BACKUP, record_run
from medical_ai.ops.schema import upgrade_schema
from tests.support.http import Api, assert_problem, login
from tests.support.metrics import Figures, figure, figures_of
from tests.support.people import ALICES_CODE, CANARY, Cast, Person
from tests.support.processes import Site, web
from tests.support.stores import sqlite_settings
from tests.support.waiting import wait_until

ELSEWHERE = {"X-Forwarded-For": "203.0.113.9"}
TOKEN = secrets.token_urlsafe(36)
OK_LABELS = {"le", "kind", "route", "method", "status", "by", "outcome", "step", "state", "version"}


def read(api: Api, **headers: str) -> Figures:
    """Read the figures."""
    response = api.get("/metrics", headers=headers)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return figures_of(response.get_data(as_text=True))


def test_it_tells_how_backups_fare(api: Api, database: Database) -> None:
    backup, age = {"kind": "backup"}, "backup_age_seconds"
    assert figure(read(api), "backup_good", **backup) == 1  # none was ever wanted
    with database.unit_of_work() as session:
        record_run(session, kind=BACKUP, started_at=clock.now(), snapshot="1a2b3c4d")
    assert 0 <= figure(read(api), age, **backup) < 60
    with database.unit_of_work() as session:
        record_run(session, kind=BACKUP, started_at=clock.now(), error=OSError())
    assert figure(read(api), "backup_good", **backup) == 0


# -- Who may read it


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_reads_it(api: Api, address: str) -> None:
    assert figure(read(api, **{"X-Forwarded-For": address}), "database_up") == 1


@pytest.mark.parametrize(
    "address", ["203.0.113.9", "10.0.0.7", "2001:db8::1", "unix:", "127.0.0.1x"]
)
def test_for_others_there_is_nothing_here(api: Api, address: str) -> None:
    strange = api.get("/metrics", headers={"X-Forwarded-For": address})
    missing = api.get("/metricsx", headers={"X-Forwarded-For": address})
    bodies = [assert_problem(one, 404) | {"request_id": ""} for one in (strange, missing)]
    assert bodies[0] == bodies[1]


def test_without_a_token_set_none_opens_it(api: Api) -> None:
    for sent in ("Bearer ", "Bearer", "Bearer x", ""):
        response = api.get("/metrics", headers=ELSEWHERE | {"Authorization": sent})
        assert response.status_code == 404


@pytest.mark.settings(metrics_token=SecretStr(TOKEN))
def test_whoever_bears_the_token_reads_it_from_elsewhere(api: Api) -> None:
    assert api.get("/metrics", headers=ELSEWHERE).status_code == 404
    for sent in (f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer é", "Basic eDp5"):
        response = api.get("/metrics", headers=ELSEWHERE | {"Authorization": sent})
        assert response.status_code == 404
    response = api.get("/metrics", headers=ELSEWHERE | {"Authorization": f"Bearer {TOKEN}"})
    assert response.status_code == 200
    assert TOKEN not in response.get_data(as_text=True)


def test_a_short_token_is_refused_at_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="METRICS_TOKEN is too short"):
        check_settings(settings.model_copy(update={"metrics_token": SecretStr("short")}))


def test_somebody_signed_in_is_no_exception(api_of: Callable[[Person], Api], dana: Person) -> None:
    assert api_of(dana).get("/metrics", headers=ELSEWHERE).status_code == 404


# -- What it counts


def test_requests_are_counted_by_template_method_and_kind_of_answer(
    api: Api, alices: Api, alices_ids: dict[str, str]
) -> None:
    name, medicine = "http_request_seconds_count", "/medications/<uuid:medication_id>"
    found = {"route": medicine, "method": "GET", "status": "2xx"}
    missing = {"route": "other", "method": "GET", "status": "4xx"}
    before = read(api)
    alices.get(f"/medications/{alices_ids['medication_id']}")
    api.get("/nowhere")
    api.request("BREW", "/nowhere")
    after = read(api)
    assert figure(after, name, **found) == figure(before, name, **found) + 1
    assert figure(after, name, **missing) == figure(before, name, **missing) + 1
    odd = missing | {"method": "other"}
    assert figure(after, name, **odd) >= 1


def test_sign_ins_and_tokens_are_counted_by_how_they_ended(api: Api, alice: Person) -> None:
    before = read(api)
    login(api, alice.email)
    login(api, alice.email, "wrong")
    api.get("/auth/me")
    api.with_token("nonsense").get("/auth/me")
    after = read(api)

    def grown(name: str, **labels: str) -> float:
        return figure(after, name, **labels) - figure(before, name, **labels)

    assert grown("sign_in_seconds_count", step="password", outcome="ok") == 1
    assert grown("sign_in_seconds_count", step="password", outcome="failed") == 1
    assert grown("authentication_seconds_count", by="nothing", outcome="failed") == 1
    assert grown("authentication_seconds_count", by="bearer", outcome="failed") == 1


def test_a_token_that_holds_is_measured(api: Api, alices: Api) -> None:
    before = read(api)
    alices.get("/auth/me")
    after = read(api)
    name, labels = "authentication_seconds_count", {"by": "bearer", "outcome": "ok"}
    assert figure(after, name, **labels) == figure(before, name, **labels) + 1


def test_connections_and_streams_are_given_back(api: Api, alices: Api) -> None:
    headers = {"Accept": "text/event-stream"}
    before = figure(read(api), "chat_streams")
    response = alices.post("/chat/message", {"message": "Hello"}, headers=headers)
    assert figure(read(api), "chat_streams") == before + 1
    response.close()
    assert figure(read(api), "chat_streams") == before
    assert figure(read(api), "database_connections_in_use") <= 1


def test_the_worker_is_seen(api: Api, database: Database) -> None:
    assert figure(read(api), "worker_heartbeat_age_seconds") == 0  # none there
    with database.unit_of_work() as session:
        heartbeat.beat(session, worker="here:1", lateness_p99_seconds=2.5)
    figures = read(api)
    assert 0 < figure(figures, "worker_heartbeat_age_seconds") < 10
    assert figure(figures, "reminder_lateness_p99_seconds") == 2.5


def test_it_names_nobody_and_nothing(
    api: Api, alices: Api, alices_ids: dict[str, str], people: Cast
) -> None:
    alices.get(f"/medications/{alices_ids['medication_id']}")
    alices.get(f"/patients/{ALICES_CODE}")
    text = api.get("/metrics").get_data(as_text=True)
    for secret in (CANARY, ALICES_CODE, "Alice", "@", *alices_ids.values()):
        assert secret not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", text)
    assert {label for _, labels in figures_of(text) for label, _ in labels} <= OK_LABELS


def test_while_the_database_is_away_the_rest_is_told(app: Flask, tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path, trusted_proxy_hops=0)
    database = Database(settings)
    upgrade_schema(database)
    database.dispose()
    with web(settings, tmp_path) as site:
        assert figure(figures_of(site.get("/metrics").text), "database_up") == 1
        (tmp_path / "medical_ai.db").rename(tmp_path / "moved.db")
        figures = figures_of(site.get("/metrics").text)
    assert figure(figures, "database_up") == 0
    assert figure(
        figures, "http_request_seconds_count", route="/metrics", method="GET", status="2xx"
    )


# -- Over all processes


def counted(site: Site) -> float:
    """Return how often the reference was asked for, as any of the processes tells it."""
    labels = {"route": "/openapi.json", "method": "GET", "status": "2xx"}
    return figure(figures_of(site.get("/metrics").text), "http_request_seconds_count", **labels)


def test_processes_count_together_and_what_was_counted_outlives_them(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path, trusted_proxy_hops=0)
    database = Database(settings)
    upgrade_schema(database)
    database.dispose()
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "histogram_7.db").write_bytes(b"of a former run")
    more = {
        "WEB_CONCURRENCY": "2",
        "WEB_MAX_REQUESTS": "10",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
    }
    with web(settings, tmp_path, **more) as site:
        for _ in range(60):  # so many that workers follow one another
            assert site.get("/openapi.json").status_code == 200
        assert counted(site) == 60
        children = Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children")
        workers = [int(pid) for pid in children.read_text().split()]
        os.kill(workers[0], signal.SIGKILL)
        wait_until(
            lambda: str(workers[0]) not in children.read_text().split(), seconds=10, what="x"
        )
        wait_until(lambda: site.get("/openapi.json").ok, seconds=20, what="it answers again")
        assert counted(site) >= 61
        assert {path.stem.rpartition("_")[2] for path in folder.iterdir()} <= {"0", "1", "2"}


def test_each_server_has_a_folder_of_its_own_and_leaves_none(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path, trusted_proxy_hops=0)
    left = Path("/dev/shm/medical-ai-metrics-4194305-killed")  # no such process  # noqa: S108 - as above
    left.mkdir(exist_ok=True)
    with web(settings, tmp_path) as site:
        environment = Path(f"/proc/{site.process.pid}/environ").read_bytes()
        assert b"PROMETHEUS_MULTIPROC_DIR" not in environment  # made after the start
        found = re.search(rb"medical-ai-metrics-[\w-]+", open_files(site.process.pid))
        assert found is not None
        folder = Path("/dev/shm") / found.group().decode()  # noqa: S108 - where gunicorn's own lie
        assert folder.is_dir()
        assert not left.exists()
        site.process.stop()
        assert not folder.exists()


def open_files(pid: int) -> bytes:
    """Return what the workers of a server have mapped."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return b"".join(Path(f"/proc/{child}/maps").read_bytes() for child in children)
