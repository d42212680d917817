"""Somebody with an account on a host, and the doses they wait for."""

import json
import secrets
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.host.image import ROOT
from tests.host.machine import DOMAIN, Machine

FIRST_ADDRESS, ADDRESSES = 100, 100
OPEN = frozenset({"planned", "due", "sending"})


class People:
    """People at work in the background, see `tests.host.load`."""

    def __init__(self, host: Machine, *, seconds: int) -> None:
        work = f"{sys.executable} -m tests.host.load {DOMAIN} --seconds {seconds}"
        self._people = host.start(f"cd {ROOT} && {work}")

    def result(self) -> dict[str, Any]:
        """Wait for the end, and return what happened."""
        said = self._people.communicate(timeout=300)[0]
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found


def ask(
    host: Machine, method: str, path: str, *, token: str = "", body: Any = None, source: str = ""
) -> tuple[int, Any]:
    """Send one request from outside; return the status and the JSON of its answer."""
    given = f"-d '{json.dumps(body)}' -H 'Content-Type: application/json'" if body else ""
    bearer = f"-H 'Authorization: Bearer {token}'" if token else ""
    address = f"--interface {source}" if source else ""
    said = host.client(
        f"curl -sk -m 70 -X {method} {given} {bearer} {address} -w '\\n%{{http_code}}'"
        f" 'https://{DOMAIN}{path}'"
    ).stdout
    answer, _, status = said.rpartition("\n")
    return int(status), json.loads(answer)


def open_account(host: Machine) -> tuple[dict[str, str], str]:
    """Open an account from an address of its own; return what signs in to it, and its token."""
    source = f"10.99.0.{FIRST_ADDRESS + secrets.randbelow(ADDRESSES)}"
    host.client(f"ip addr replace {source}/24 dev eth0 && sleep 1")
    person = {
        "email": f"{secrets.token_hex(6)}@example.org",
        "password": secrets.token_urlsafe(18),
        "timezone": "Etc/UTC",
    }
    status, answer = ask(host, "POST", "/auth/signup", body=person, source=source)
    assert status == 201, answer
    return {name: person[name] for name in ("email", "password")}, str(answer["access_token"])


def sign_up(host: Machine) -> str:
    """Open an account, and return its token."""
    return open_account(host)[1]


def sign_in(host: Machine, person: dict[str, str]) -> str:
    """Sign in, and return the token."""
    status, answer = ask(host, "POST", "/auth/login", body=person)
    assert status == 200, answer
    return str(answer["access_token"])


def plan_dose(host: Machine, token: str, *, seconds_ahead: int) -> datetime:
    """Add a medicine with a dose at a whole minute at least so far ahead, and return when."""
    due = (datetime.now(UTC) + timedelta(seconds=seconds_ahead + 60)).replace(
        second=0, microsecond=0
    )
    schedule = {"kind": "times", "times": [due.strftime("%H:%M")], "zone_policy": "home"}
    medicine = {"name": "amlodipine 5 mg", "schedules": [schedule]}
    status, answer = ask(host, "POST", "/medications", token=token, body=medicine)
    assert status == 201, answer
    return due


def find_doses(host: Machine, token: str, due: datetime) -> list[dict[str, Any]]:
    """Return the doses around a moment."""
    begin, end = due - timedelta(minutes=10), due + timedelta(minutes=10)
    day = f"from={begin:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
    status, answer = ask(host, "GET", f"/doses?{day}", token=token)
    return list(answer["items"]) if status == 200 else []


def assert_sent_once(host: Machine, token: str, due: datetime, *, seconds: float = 60) -> None:
    """Wait until the dose was reminded of, and see that it was so once."""
    deadline = time.monotonic() + seconds
    doses: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        doses = find_doses(host, token, due)
        if doses and doses[0]["status"] not in OPEN:
            break
        time.sleep(1)
    assert [dose["status"] for dose in doses] == ["sent"], doses
    assert [one["channel"] for one in doses[0]["deliveries"]] == ["in-app"], doses
