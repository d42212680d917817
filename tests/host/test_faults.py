"""Disk full, database away, clock wrong: what was acknowledged stays, and all comes back."""

import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.host.conftest import health, until_healthy
from tests.host.load import PATIENT_SECONDS
from tests.host.machine import DOMAIN, Machine
from tests.host.people import (
    People,
    ask,
    assert_sent_once,
    open_account,
    plan_dose,
    sign_in,
    sign_up,
)

pytestmark = pytest.mark.long

FOLDERS = "/var/lib/mysql /var/log/mysql /var/lib/medical-ai /var/log/medical-ai /var/log/nginx"
SERVICES = "medical-ai.target medical-ai.service medical-ai-worker.service"
AWAY_SECONDS = 30
ROOM_SECONDS = 90
"""MariaDB looks once a minute whether there is room again."""
SMALL_DISK = f"""
systemctl stop {SERVICES} mariadb
used=$(du --apparent-size -smc {FOLDERS} | tail -n 1 | cut -f 1)
mkdir -p /mnt/small && mount -t tmpfs -o size=$((used + 40))m small /mnt/small
for folder in {FOLDERS}; do
  mkdir -p /mnt/small$folder && cp -a --sparse=never $folder /mnt/small$(dirname $folder)/
  mount --bind /mnt/small$folder $folder
done
systemctl start mariadb {SERVICES} && nginx -s reopen
"""
BIG_DISK = f"""
systemctl stop {SERVICES} mariadb
for folder in {FOLDERS}; do umount -l $folder && cp -a /mnt/small$folder $(dirname $folder)/; done
umount -l /mnt/small
systemctl start mariadb {SERVICES} && nginx -s reopen
"""


@pytest.fixture
def small_disk(host: Machine) -> Iterator[Machine]:
    """Put database, data and logs on a disk that is almost full."""
    host.run(f"set -e; {SMALL_DISK}")
    until_healthy(host, 60)
    yield host
    host.run(f"rm -f /mnt/small/filler; set -e; {BIG_DISK}")
    until_healthy(host, 60)


def assert_kept(result: dict[str, Any]) -> None:
    """Nothing acknowledged is missing; what failed, failed with 503 and nothing else."""
    assert result["kept"] >= result["acknowledged"] > 0, result
    assert set(result["statuses"]) <= {
        "GET 200", "POST 200", "POST 201", "GET 503", "POST 503",
    }, result  # fmt: skip
    assert result["statuses"]["POST 503"] > 0, result
    assert result["slowest_seconds"] < PATIENT_SECONDS, result


def test_a_full_disk_costs_nothing_that_was_acknowledged(small_disk: Machine) -> None:
    host = small_disk
    people = People(host, seconds=55)
    time.sleep(6)
    host.run("dd if=/dev/zero of=/mnt/small/filler bs=1M; true")
    seen = []
    for _ in range(9):
        time.sleep(4)
        seen.append(health(host).get("status"))
        page = f"curl -sk -o /dev/null -m 5 -w '%{{http_code}}' https://{DOMAIN}/login"
        assert host.client(page).stdout == "200"
    assert None not in seen  # pages and /health go on, and it says that no reminders are sent
    assert seen[-1] == "degraded", seen
    host.run("rm /mnt/small/filler")
    assert until_healthy(host, ROOM_SECONDS) < ROOM_SECONDS
    assert_kept(people.result())
    assert sign_up(host)


@pytest.mark.parametrize(
    ("leaves", "returns"),
    [
        (
            "systemctl kill --signal=STOP mariadb.service",
            "systemctl kill --signal=CONT mariadb.service",
        ),
        ("systemctl stop mariadb.service", "systemctl start mariadb.service"),
    ],
    ids=["hangs", "stopped"],
)
def test_a_database_that_is_away_costs_nothing(host: Machine, leaves: str, returns: str) -> None:
    token = sign_up(host)
    due = plan_dose(host, token, seconds_ahead=20)
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() - 10))
    people = People(host, seconds=AWAY_SECONDS + 30)
    time.sleep(6)
    host.run(leaves)
    went = time.monotonic()
    while time.monotonic() - went < AWAY_SECONDS:
        time.sleep(3)
        status = f"curl -sk -o /dev/null -m 5 -w '%{{http_code}} %{{time_total}}' https://{DOMAIN}"
        code, seconds = host.client(f"{status}/health").stdout.split()
        assert code == "503"
        assert float(seconds) < 3
        assert host.client(f"{status}/login").stdout.split()[0] == "200"
    host.run(returns)
    assert until_healthy(host, 60) < 60
    assert_kept(people.result())
    assert_sent_once(host, token, due)


@pytest.fixture
def clock(host: Machine, tmp_path: Path) -> Iterator[Machine]:
    """Let web and worker see a clock that can be set: `/run/clock-ahead` holds the seconds."""
    library = tmp_path / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
    host.send(library, "/usr/local/lib")
    restart = "systemctl daemon-reload && systemctl restart medical-ai medical-ai-worker"
    drop_ins = " ".join(
        f"/run/systemd/system/medical-ai{part}.service.d" for part in ("", "-worker")
    )
    preload = "[Service]\\nEnvironment=LD_PRELOAD=/usr/local/lib/clock.so\\n"
    host.run(
        f"chmod 755 /usr/local/lib/clock.so; echo 0 > /run/clock-ahead; for it in {drop_ins}; do"
        f" mkdir -p $it && printf '{preload}' > $it/clock.conf; done; {restart}"
    )
    until_healthy(host, 30)
    yield host
    host.run(f"rm /run/clock-ahead; for it in {drop_ins}; do rm -f $it/clock.conf; done; {restart}")
    until_healthy(host, 60)


def until_reminding(host: Machine) -> None:
    """Wait until `/health` says that reminders are sent.

    The seal of what happened in the last seconds before a jump may come ten minutes later.
    """
    deadline = time.monotonic() + 40
    while (said := health(host)).get("reminders", {}).get("status") != "running":  # type: ignore[attr-defined]  # JSON
        assert time.monotonic() < deadline, said
        time.sleep(0.5)


def until_logged(host: Machine, event: str) -> None:
    """Wait until the worker has said something."""
    deadline = time.monotonic() + 30
    look = f"journalctl -u medical-ai-worker -n 1000 | grep -cF {event}"
    while host.run(look, check=False).stdout.strip() in {"", "0"}:
        assert time.monotonic() < deadline, host.run("journalctl -u medical-ai-worker -n 99").stdout
        time.sleep(0.5)


def test_a_clock_that_jumps_sends_nothing_twice_and_loses_nothing(clock: Machine) -> None:
    host = clock
    person, token = open_account(host)
    first = plan_dose(host, token, seconds_ahead=1800)
    host.run("echo 7200 > /run/clock-ahead")
    until_reminding(host)
    assert ask(host, "GET", "/auth/me", token=token)[0] == 401  # it was for a quarter of an hour
    ahead = sign_in(host, person)
    assert_sent_once(host, ahead, first)
    host.run("echo 0 > /run/clock-ahead")
    until_reminding(host)
    until_logged(host, "worker.clock-set-back")
    assert ask(host, "GET", "/auth/me", token=ahead)[0] in {200, 401}
    token = sign_in(host, person)
    second = plan_dose(host, token, seconds_ahead=10)
    assert_sent_once(host, token, second, seconds=100)
    assert_sent_once(host, token, first)
    assert "Traceback" not in host.run("journalctl -u medical-ai -u medical-ai-worker -n 99").stdout
