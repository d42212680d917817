"""The limits of the shipped nginx site, measured; its counters start at nought in each test."""

import http.client
import re
import shutil
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.http import PROBLEM
from tests.support.nginx import DOMAIN, Answer, Nginx
from tests.support.upstream import Upstream

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
RATE, BURST = 20, 40
FLOOD_SECONDS = 3.0


def test_a_flood_gets_twenty_answers_a_second_and_a_burst(edge: Nginx, behind: Upstream) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: flood(edge, started + FLOOD_SECONDS), range(4)))
    seconds = time.monotonic() - started
    counted: Counter[int] = sum(counts, Counter())
    expected = 1 + BURST + RATE * seconds
    assert set(counted) == {200, 429}
    assert counted[429] > counted[200]
    assert abs(counted[200] - expected) <= 0.1 * expected, counted


def flood(edge: Nginx, until: float) -> Counter[int]:
    """Ask as fast as one connection can, and count the answers."""
    counted: Counter[int] = Counter()
    connection = http.client.HTTPConnection(DOMAIN, timeout=20)
    connection.sock = edge.connect()
    while time.monotonic() < until:
        connection.request("GET", "/auth/me")
        response = connection.getresponse()
        response.read()
        counted[response.status] += 1
        if response.will_close:
            connection.sock = edge.connect()
    connection.close()
    return counted


def test_who_is_refused_learns_how_to_come_back(edge: Nginx, behind: Upstream) -> None:
    refused = until_refused(edge, "/auth/me", {})
    problem = refused.json()
    assert refused.get("Content-Type") == PROBLEM
    assert refused.get("Retry-After") == "1"
    assert problem["type"] == "urn:medical-ai:problem:too-many-requests"
    assert problem["status"] == 429
    page = until_refused(edge, "/app/today", {"Accept": "text/html"})
    assert page.get("Content-Type") == "text/html"
    assert b"One moment, please" in page.body


def until_refused(edge: Nginx, path: str, headers: dict[str, str]) -> Answer:
    """Ask until the answer is 429, and return it."""
    for _ in range(500):
        answer = edge.ask("GET", path, headers=headers)
        if answer.status == 429:
            return answer
    raise AssertionError("never refused")


def test_five_passwords_a_minute_over_all_ways_to_send_one(edge: Nginx, behind: Upstream) -> None:
    ways = ["/auth/login", "/login", "/app/sign-in", "//auth//login", "/%61uth/login"]
    statuses = [edge.ask("POST", path, body=b"{}").status for path in [*ways, *ways]]
    assert statuses == [200] * 5 + [429] * 5
    refused = edge.ask("POST", "/auth/login", body=b"{}")
    assert refused.get("Retry-After") == "12"
    page = edge.ask("POST", "/app/sign-in", headers=FORM, body=b"")
    assert (page.status, page.get("Content-Type")) == (429, "text/html")


def test_a_try_comes_back_after_twelve_seconds(edge: Nginx, behind: Upstream) -> None:
    for _ in range(6):
        last = edge.ask("POST", "/auth/login", body=b"{}")
    assert last.status == 429
    time.sleep(12.5)
    statuses = [edge.ask("POST", "/auth/login", body=b"{}").status for _ in range(2)]
    assert statuses == [200, 429]


def test_who_comes_from_elsewhere_is_counted_apart(edge: Nginx, behind: Upstream) -> None:
    def tries(source: str) -> list[int]:
        asked = (edge.ask("POST", "/login", body=b"{}", source=source) for _ in range(7))
        return [answer.status for answer in asked]

    assert tries("127.0.0.2") == tries("127.0.0.3") == [200] * 5 + [429] * 2


def test_a_house_of_ones_own_is_not_limited(edge: Nginx, behind: Upstream) -> None:
    site = edge.folder / "site.conf"
    own = edge.folder / "medical-ai.d"
    own.mkdir()
    (own / "house.conf").write_text("127.0.0.2 house;\n")
    site.write_text(site.read_text().replace("/etc/nginx/medical-ai.d", str(own)))
    edge.reload()
    asked = (edge.ask("POST", "/login", body=b"{}", source="127.0.0.2") for _ in range(12))
    assert {answer.status for answer in asked} == {200}
    for _ in range(6):
        last = edge.ask("POST", "/login", body=b"{}", source="127.0.0.3")
    assert last.status == 429


def test_looking_at_the_form_is_no_attempt(edge: Nginx, behind: Upstream) -> None:
    assert {edge.get("/login").status for _ in range(12)} == {200}
    assert edge.ask("POST", "/auth/login", body=b"{}").status == 200


def test_files_and_health_are_not_counted_with_requests(edge: Nginx, behind: Upstream) -> None:
    paths = ["/health", "/health/live", "/health/ready", "/static/css/app.css"] * 40
    assert {edge.get(path).status for path in paths} == {200}
    assert edge.get("/auth/me").status == 200


@pytest.mark.skipif(shutil.which("ab") is None, reason="apache2-utils is not installed")
def test_a_thousand_probes_from_a_hundred_at_once_all_pass(edge: Nginx, behind: Upstream) -> None:
    url = f"https://{DOMAIN}:{edge.port}/health"
    command = ["ab", "-q", "-n", "1000", "-c", "100", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(r"Complete requests: +1000\n", done.stdout)
    assert re.search(r"Failed requests: +0\n", done.stdout), done.stdout
    assert "Non-2xx" not in done.stdout
