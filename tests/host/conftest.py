"""One host for all scenarios of a run: installed once, then lived with."""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.image import KEPT, ROOT, get_image, missing_for_hosts
from tests.host.machine import DOMAIN, Machine, booted

ANSWERS = f"""DOMAIN={DOMAIN}
ADMIN_EMAIL=admin@example.org
CERTIFICATE=self-signed
DATABASE=local
DEFAULT_COUNTRY=DE
"""
RELEASE = "/root/release"
LONGEST_SECONDS = 900
BACK_SECONDS = 15.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give scenarios the time that installations take."""
    for item in items:
        item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


@pytest.fixture(scope="session")
def archive() -> Path:
    """Build the release of what lies here, uncommitted changes of known files included."""
    changes = subprocess.run(
        ["git", "stash", "create"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    built = subprocess.run(
        ["env", "PYTHONS=3.11", f"TREE={changes or 'HEAD'}", "deploy/release.sh"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ROOT / built.stdout.split()[-2]


@pytest.fixture(scope="session")
def bare(archive: Path) -> Iterator[Machine]:
    """Boot a bare server with the release and the answers on it."""
    if reason := missing_for_hosts():
        pytest.skip(reason)
    with unpacked(archive) as machine:
        yield machine


@contextlib.contextmanager
def unpacked(archive: Path) -> Iterator[Machine]:
    """Boot a bare server on which release and answers lie."""
    with booted(get_image(), KEPT / "run") as machine:
        machine.send(archive, "/root")
        machine.run(
            f"mkdir {RELEASE} && tar -C {RELEASE} --strip-components=1 -xzf /root/{archive.name}"
        )
        machine.run(f"cat > /root/answers <<'E'\n{ANSWERS}E")
        yield machine


@pytest.fixture(scope="session")
def host(bare: Machine) -> Machine:
    """Return the host on which the release was installed."""
    # With the umask of a hardened host.
    said = bare.run(f"umask 077; {RELEASE}/deploy/install.sh --answers /root/answers").stdout
    assert "Done: " in said, said
    assert "/app/invitations/" in said, said
    return bare


def health(host: Machine) -> dict[str, object]:
    """Return what `/health` says to somebody outside; empty while nobody or only nginx answers."""
    said = host.client(f"curl -skf --max-time 5 https://{DOMAIN}/health", check=False).stdout
    try:
        found: dict[str, object] = json.loads(said)
    except ValueError:
        return {}
    return found


def until_healthy(host: Machine, seconds: float = BACK_SECONDS) -> float:
    """Wait until the host is healthy again; return after how many seconds that was."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if health(host).get("status") == "healthy":
            return time.monotonic() - started
        time.sleep(0.2)
    raise AssertionError(f"not healthy after {seconds} s: {health(host)}")


class Load:
    """People at work in the background, see `tests.host.load`, and two programs that hurry."""

    def __init__(self, machine: Machine, seconds: int) -> None:
        people = f"{sys.executable} -m tests.host.load {DOMAIN} --seconds {seconds}"
        health = f"https://{DOMAIN}/health"
        self._people = machine.start(f"cd {ROOT} && {people}")
        own = "ip addr replace 10.99.0.50/24 dev eth0"
        self._ab = machine.start(f"{own}; ab -q -B 10.99.0.50 -t {seconds} -n 99999 -c 2 {health}")
        pause = ROOT / "tests/host/pause.lua"
        self._wrk = machine.start(f"wrk -t 1 -c 4 -d {seconds}s --timeout 60s -s {pause} {health}")

    def result(self) -> dict[str, Any]:
        """Wait for the end, and return what happened."""
        said, hurried, rushed = (
            one.communicate(timeout=300)[0] for one in (self._people, self._ab, self._wrk)
        )
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found | {"ab": hurried, "wrk": rushed}


def assert_nothing_failed(result: dict[str, Any]) -> None:
    """Every request was answered as meant, and no acknowledged question is missing."""
    assert set(result["statuses"]) == {"GET 200", "POST 200", "POST 201"}, result
    assert result["acknowledged"] == result["kept"] > 0, result
    assert re.search(r"Failed requests:\s+0\n", result["ab"]), result["ab"]
    assert re.search(r"Complete requests:\s+[1-9]", result["ab"]), result["ab"]
    for complaint in ("Non-2xx", "Socket errors"):
        assert complaint not in result["ab"] + result["wrk"], result
    assert re.search(r"[1-9]\d* requests in", result["wrk"]), result["wrk"]
