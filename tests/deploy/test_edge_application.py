"""The application as it runs, behind the site as shipped: through TLS and a socket."""

import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from medical_ai.core.config import Settings
from tests.deploy.test_edge import PAGES, SECURITY_HEADERS
from tests.support.http import EVENTS, PROBLEM, events_of
from tests.support.nginx import DOMAIN, Nginx, nginx
from tests.support.people import PASSWORD, Cast, create_cast
from tests.support.processes import ROOT, Process
from tests.support.settings import environment_of
from tests.support.stores import Store, sqlite_settings
from tests.support.waiting import wait_until


@contextmanager
def gunicorn(settings: Settings, site: Nginx) -> Iterator[Process]:
    """Run the application on the socket that the site looks for."""
    environment = environment_of(
        settings, BIND=f"unix:{site.socket}", WEB_CONCURRENCY="1", WEB_THREADS="8"
    )
    process = Process(
        ["-m", "gunicorn", "-c", "gunicorn_config.py"], environment, site.folder / "web.out"
    )
    try:
        wait_until(lambda: site.get("/health/live").status == 200, seconds=40, what="it answers")
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a short path."""
    made = Path(tempfile.mkdtemp(prefix="medical-ai-edge-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def behind_it(folder: Path) -> Settings:
    """Settings of an installation behind nginx."""
    address = f"https://{DOMAIN}"
    return sqlite_settings(folder, trusted_proxy_hops=1, cookie_secure=True, public_url=address)


@pytest.fixture(scope="module")
def cast(behind_it: Settings) -> Iterator[Cast]:
    """People in the database."""
    store = Store(behind_it)
    yield create_cast(store.database)
    store.database.dispose()


@pytest.fixture(scope="module")
def site(folder: Path, behind_it: Settings, cast: Cast) -> Iterator[Nginx]:
    """The site with the application behind it."""
    (folder / "nginx").mkdir()
    with nginx(folder / "nginx") as running, gunicorn(behind_it, running):
        yield running


@pytest.fixture(scope="module")
def token(site: Nginx, cast: Cast) -> str:
    """Alice's access token."""
    answer = site.post("/auth/login", {"email": cast.alice.email, "password": PASSWORD})
    assert answer.status == 200
    return str(answer.json()["access_token"])


@pytest.mark.parametrize(
    "path", ["/", "/login", "/auth/me", "/openapi.json", "/health", "/app/today", "/nowhere"]
)
def test_every_header_comes_once(site: Nginx, path: str) -> None:
    answer = site.ask("GET", path, headers=PAGES)
    for name in (*SECURITY_HEADERS, "Cache-Control"):
        assert len(answer.all_of(name)) == 1, (name, answer.all_of(name))
    assert len(answer.all_of("X-Request-Id")) == (0 if path == "/health" else 1)
    assert answer.get("Server") == "nginx"


def test_its_own_refusals_come_through_as_they_are(site: Nginx) -> None:
    missing = site.get("/nowhere", Accept="application/json")
    assert (missing.status, missing.get("Content-Type")) == (404, PROBLEM)
    assert missing.json()["request_id"] == missing.get("X-Request-Id")
    refused = site.ask("POST", "/auth/login", headers={"Content-Type": "text/plain"}, body=b"x")
    assert refused.status == 415


def test_cookies_are_for_https_alone(site: Nginx) -> None:
    cookies = site.ask("GET", "/login", headers=PAGES).all_of("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie


def test_an_answer_is_streamed_through_to_its_end(site: Nginx, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": EVENTS}
    answer = site.post("/chat/message", {"message": "Which medicines do I take?"}, **headers)
    names = [name for name, _ in events_of(answer.body.decode())]
    assert answer.status == 200
    assert answer.get("Content-Type").startswith(EVENTS)
    assert names[-1] == "done", names


def test_where_somebody_came_from_is_what_nginx_saw(
    site: Nginx, token: str, behind_it: Settings
) -> None:
    headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": "203.0.113.66"}
    sessions = site.ask("GET", "/auth/sessions", headers=headers)
    assert sessions.status == 200
    assert "203.0.113" not in sessions.body.decode()
    assert "127.0.0" in sessions.body.decode()


@pytest.mark.skipif(shutil.which("ab") is None, reason="apache2-utils is not installed")
def test_a_thousand_probes_from_a_hundred_at_once_are_all_answered(site: Nginx) -> None:
    url = f"https://{DOMAIN}:{site.port}/health"
    command = ["ab", "-q", "-n", "1000", "-c", "100", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"Failed requests: +0\n", done.stdout), done.stdout
    assert "Non-2xx" not in done.stdout


def test_the_applications_limit_of_a_body_is_the_sites(site: Nginx, behind_it: Settings) -> None:
    text = (ROOT / "medical-ai-nginx.conf").read_text()
    assert behind_it.max_body_bytes == 1_048_576
    assert "client_max_body_size 1m;" in text
    headers = {"Content-Type": "application/json"}
    body = b'{"email": "' + b"x" * (behind_it.max_body_bytes - 13) + b'"}'
    assert len(body) == behind_it.max_body_bytes
    assert site.ask("POST", "/auth/signup", headers=headers, body=body).status == 422


def test_while_it_starts_anew_nobody_sees_more_than_a_page_that_waits(
    folder: Path, behind_it: Settings, cast: Cast
) -> None:
    seen: list[Any] = []
    (folder / "restart").mkdir()
    with nginx(folder / "restart") as site:
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                seen.append(site.ask("GET", "/health/live", headers=PAGES))
                stop.wait(0.05)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            with gunicorn(behind_it, site) as process:
                before = len(seen)
            assert process.stop() == 0
            wait_until(lambda: seen[-1].status == 503, seconds=5, what="it is away")
        finally:
            stop.set()
            asking.join()
    assert {answer.status for answer in seen} == {200, 503}
    assert before > 0
    assert all(b"We are away" in one.body for one in seen if one.status == 503)
