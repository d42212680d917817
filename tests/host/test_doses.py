"""A dose falls due while everything that could remind of it is being killed."""

import json
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.host.conftest import until_healthy
from tests.host.machine import DOMAIN, Machine

SECONDS_AHEAD = 25


def ask(host: Machine, method: str, path: str, *, token: str = "", body: Any = None) -> Any:
    """Send one request from outside, and return the JSON of its answer."""
    given = f"-d '{json.dumps(body)}' -H 'Content-Type: application/json'" if body else ""
    bearer = f"-H 'Authorization: Bearer {token}'" if token else ""
    said = host.client(f"curl -sk -X {method} {given} {bearer} 'https://{DOMAIN}{path}'").stdout
    return json.loads(said)


def test_it_is_sent_once_however_often_they_die(host: Machine) -> None:
    until_healthy(host)
    person = {
        "email": f"{secrets.token_hex(6)}@example.org",
        "password": secrets.token_urlsafe(18),
        "timezone": "Etc/UTC",
    }
    token = ask(host, "POST", "/auth/signup", body=person)["access_token"]
    now = datetime.now(UTC)
    due = (now + timedelta(seconds=SECONDS_AHEAD + 60)).replace(second=0, microsecond=0)
    schedule = {"kind": "times", "times": [due.strftime("%H:%M")], "zone_policy": "home"}
    medicine = {"name": "amlodipine 5 mg", "schedules": [schedule]}
    ask(host, "POST", "/medications", token=token, body=medicine)
    while datetime.now(UTC) < due - timedelta(seconds=4):
        time.sleep(0.5)
    kills = 0
    while datetime.now(UTC) < due + timedelta(seconds=12):
        victim = "mariadb" if kills == 2 else "medical-ai-worker"
        host.run(f"systemctl kill --signal=KILL --kill-whom=all {victim}", check=False)
        kills += 1
        time.sleep(3)
    until_healthy(host, 60)
    day = f"from={now:%Y-%m-%dT%H:%M:%SZ}&to={due + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    deadline = time.monotonic() + 30
    doses: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        doses = ask(host, "GET", f"/doses?{day}", token=token)["items"]
        if doses and doses[0]["status"] not in {"planned", "due", "sending"}:
            break
        time.sleep(1)
    assert kills >= 4
    assert [dose["status"] for dose in doses] == ["sent"], doses
    assert [one["channel"] for one in doses[0]["deliveries"]] == ["in-app"], doses
