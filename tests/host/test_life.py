"""A host from its installation to its end: what a sysadmin does with it, and what befalls it."""

import re
import time

import pytest

from tests.host.conftest import (
    BACK_SECONDS,
    RELEASE,
    Load,
    assert_nothing_failed,
    health,
    until_healthy,
)
from tests.host.machine import DOMAIN, Machine
from tests.host.watching import watched

SERVICES = ("medical-ai.service", "medical-ai-worker.service")
MOST_EXPOSED = {"medical-ai.service": 0.3}


def until_active(host: Machine, unit: str) -> None:
    """Wait until systemd calls a unit active again."""
    host.run(
        f"timeout {BACK_SECONDS} sh -c 'until systemctl is-active -q {unit}; do sleep 0.2; done'"
    )


def make_version(host: Machine, version: str, change: str = "true") -> str:
    """Make another release on the host, and return its folder."""
    folder = f"/root/release-{version}"
    host.run(
        f"rm -rf {folder} && cp -a {RELEASE} {folder} && cd {folder} &&"
        f" sed -i 's/^__version__ = .*/__version__ = \"{version}\"/' medical_ai/__init__.py &&"
        f" {change} && find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum > SHA256SUMS"
    )
    return folder


def test_it_is_installed_and_answers_from_outside(host: Machine) -> None:
    assert health(host)["status"] == "healthy"
    assert host.run("systemctl is-system-running", check=False).stdout.strip() == "running"


def test_a_second_installation_changes_nothing(host: Machine) -> None:
    before = host.run("systemctl show -P MainPID medical-ai.service medical-ai-worker.service")
    said = host.run(f"{RELEASE}/deploy/install.sh --answers /root/answers").stdout
    assert "Nothing had to change." in said, said
    assert "changed:" not in said
    after = host.run("systemctl show -P MainPID medical-ai.service medical-ai-worker.service")
    assert before.stdout == after.stdout


def test_a_later_run_needs_no_answers(host: Machine) -> None:
    assert "Nothing had to change." in host.run(f"{RELEASE}/deploy/install.sh").stdout


def test_systemd_takes_every_unit_without_a_word(host: Machine) -> None:
    said = host.run("systemd-analyze verify --man=no /etc/systemd/system/medical-ai*.* 2>&1")
    assert said.stdout == ""


def test_every_unit_is_in_its_sandbox(host: Machine) -> None:
    units = host.run("ls /etc/systemd/system | grep 'medical-ai.*service$'").stdout.split()
    assert len(units) >= 5
    for unit in units:
        said = host.run(f"systemd-analyze security --no-pager {unit} | tail -n 1").stdout
        found = re.search(r"([0-9.]+)", said.partition(":")[2])
        assert found, said
        assert float(found[1]) <= MOST_EXPOSED.get(unit, 1.3), said


def test_secrets_are_for_root_alone(host: Machine) -> None:
    listed = host.run("find /etc/medical-ai -printf '%U:%G %m %p\\n'").stdout.splitlines()
    for line in listed:
        owner, mode, path = line.split(" ", 2)
        if "/secrets" in path or "/owner" in path or "password" in path or "answers" in path:
            assert (owner, mode[-2:]) == ("0:0", "00"), line
    as_service = "setpriv --reuid=medical-ai --regid=medical-ai --init-groups"
    assert host.run(f"{as_service} cat /etc/medical-ai/secrets/jwt_secret", check=False).returncode


def test_no_secret_is_on_a_command_line_or_in_a_log(host: Machine) -> None:
    secrets = host.run("cat /etc/medical-ai/secrets/* /etc/medical-ai/owner/*").stdout.split()
    passwords = [re.sub(r".*://[^:]*:([^@]*)@.*", r"\1", secret) for secret in secrets]
    assert len(passwords) >= 6
    logged = host.run(
        "ps axww; journalctl --no-pager; cat /var/log/medical-ai/* /var/log/nginx/*; true"
    ).stdout
    for password in passwords:
        assert password not in logged


def test_stop_stops_and_start_starts(host: Machine) -> None:
    host.run("systemctl stop medical-ai")
    assert health(host) == {}
    page = host.client(
        f"curl -sk -H 'Accept: text/html' -w '%{{http_code}}' https://{DOMAIN}/"
    ).stdout
    assert page.endswith("503")
    assert "<html" in page
    assert host.run("systemctl is-active medical-ai", check=False).stdout.strip() == "inactive"
    host.run("systemctl start medical-ai")
    until_healthy(host)


@pytest.mark.long
def test_settings_that_cannot_be_used_fail_the_start_and_say_why(host: Machine) -> None:
    env = "/etc/medical-ai/medical-ai.env"
    host.run(f"sed -i.good 's/^SMTP_PORT=.*/SMTP_PORT=abc/' {env}")
    assert host.run("systemctl restart medical-ai", check=False).returncode
    assert "Not configured: SMTP_PORT" in host.run("journalctl -u medical-ai -n 20").stdout
    host.run(f"mv {env}.good {env}")
    assert "(owner and mode)" in host.run(f"chmod 600 {env}; {RELEASE}/deploy/install.sh").stdout
    until_healthy(host, 30)


@pytest.mark.long
def test_a_lost_key_ring_is_not_replaced(host: Machine) -> None:
    ring = "/etc/medical-ai/secrets/encryption_keys"
    host.run(f"mv {ring} /root/kept")
    refused = host.run(f"{RELEASE}/deploy/install.sh", check=False)
    assert "the key ring is lost" in refused.stderr
    assert host.run(f"ls {ring}", check=False).returncode
    host.run(f"mv /root/kept {ring}")


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_no_request_fails_meanwhile(host: Machine, verb: str) -> None:
    load = Load(host, 12)
    for _ in range(2):
        time.sleep(2)
        host.run(f"systemctl {verb} medical-ai")
        until_healthy(host)
    assert_nothing_failed(load.result())


@pytest.mark.parametrize("unit", SERVICES)
def test_what_is_killed_comes_back(host: Machine, unit: str) -> None:
    host.run(f"systemctl kill --signal=KILL --kill-whom=all {unit}")
    time.sleep(0.5)
    until_active(host, unit)
    until_healthy(host)


@pytest.mark.long
def test_it_survives_its_database(host: Machine) -> None:
    host.run("systemctl kill --signal=KILL mariadb.service")
    time.sleep(0.3)
    assert until_healthy(host, 40.0) < 40.0  # MariaDB itself waits for five


@pytest.mark.long
def test_a_worker_that_hangs_is_started_afresh(host: Machine) -> None:
    pid = "systemctl show -P MainPID medical-ai-worker.service"
    drop_in = "/run/systemd/system/medical-ai-worker.service.d"
    restart = "systemctl daemon-reload && systemctl restart medical-ai-worker"
    host.run(f"mkdir -p {drop_in} && printf '[Service]\\nWatchdogSec=4\\n' > {drop_in}/short.conf")
    host.run(restart)
    hung = host.run(pid).stdout.strip()
    host.run(f"kill -STOP {hung}")
    deadline = time.monotonic() + 30
    while host.run(pid).stdout.strip() in {hung, "0"} and time.monotonic() < deadline:
        time.sleep(0.5)
    assert host.run(pid).stdout.strip() not in {hung, "0"}
    host.run(f"rm -r {drop_in} && {restart}")
    until_healthy(host)


def test_it_is_there_again_after_a_reboot(host: Machine) -> None:
    host.reboot()
    until_healthy(host, 30.0)
    assert host.run("systemctl is-system-running --wait", check=False).stdout.strip() == "running"
    assert (
        host.run("systemctl list-timers --no-legend 'medical-ai-*' | wc -l").stdout.strip() == "3"
    )


def test_an_upgrade_fails_no_request(host: Machine) -> None:
    settings = (
        "sed -i 's/^long_query_time.*/long_query_time = 2/; $ a back_log = 123'"
        " deploy/mariadb/medical-ai.cnf"
    )
    folder = make_version(host, "0.1.1", settings)
    database = host.run("systemctl show -P MainPID mariadb.service").stdout
    dry = host.run(f"{folder}/deploy/upgrade.sh --dry-run").stdout
    assert "Nothing was changed." in dry
    assert health(host)["version"] == "0.1.0"
    load = Load(host, 45)
    said = host.run(f"{folder}/deploy/upgrade.sh").stdout
    assert "release 0.1.1 is in use and healthy" in said, said
    assert_nothing_failed(load.result())
    assert health(host)["version"] == "0.1.1"
    assert "Nothing to do" in host.run(f"{folder}/deploy/upgrade.sh").stdout
    # MariaDB was not restarted: what it can change meanwhile it has changed, the rest was said.
    assert "SET GLOBAL long_query_time = 2;" in said
    assert "(systemctl restart mariadb.service): back_log = 123" in said
    assert host.run("systemctl show -P MainPID mariadb.service").stdout == database
    values = host.run("mariadb -N -e 'SELECT @@long_query_time, @@back_log'").stdout.split()
    assert values[0] == "2.000000"
    assert values[1] != "123"
    assert "warn database settings: " in host.run("medical-ai doctor", check=False).stdout
    host.run("systemctl restart mariadb.service")
    until_healthy(host, 60)
    assert host.run("medical-ai config database").stdout == ""


@pytest.mark.long
def test_a_release_that_does_not_start_is_found_out_before_the_switch(host: Machine) -> None:
    breaks = "printf 'raise RuntimeError\\n' >> medical_ai/web/today.py"
    folder = make_version(host, "0.1.2", breaks)
    load = Load(host, 25)
    done = host.run(f"{folder}/deploy/upgrade.sh", check=False)
    assert "release 0.1.2 does not start; release 0.1.1 goes on" in done.stderr, done
    assert_nothing_failed(load.result())
    assert health(host)["version"] == "0.1.1"


@pytest.mark.long
@pytest.mark.parametrize(
    "breaks",
    [
        "sed -i 's/^def run_worker/raise RuntimeError\\n&/' medical_ai/ops/worker.py",
        "sed -i 's/^ExecStart=.*/ExecStart=\\/bin\\/false/' medical-ai.service",
    ],
    ids=["worker", "unit"],
)
def test_an_upgrade_that_fails_later_goes_back_by_itself(host: Machine, breaks: str) -> None:
    folder = make_version(host, "0.1.3", breaks)
    host.run("rm -rf /opt/medical-ai/releases/0.1.3")
    done = host.run(f"{folder}/deploy/upgrade.sh", check=False)
    assert done.returncode == 1
    assert "release 0.1.1 is in use again, and healthy" in done.stderr, done
    assert health(host)["version"] == "0.1.1"


@pytest.mark.long
def test_a_damaged_release_is_refused(host: Machine) -> None:
    folder = make_version(host, "0.1.4")
    host.run(f"echo >> {folder}/medical_ai/bootstrap.py")
    done = host.run(f"{folder}/deploy/upgrade.sh", check=False)
    assert "the release is damaged" in done.stderr, done
    assert health(host)["version"] == "0.1.1"


@pytest.mark.long
def test_the_way_back_leads_to_what_was_in_use_before(host: Machine) -> None:
    # Others that are installed, and never proved themselves, lie between the two.
    host.run("cp -a /opt/medical-ai/releases/0.1.0 /opt/medical-ai/releases/0.1.0.1")
    host.run("/opt/medical-ai/current/deploy/rollback.sh")
    assert health(host)["version"] == "0.1.0"
    host.run("rm -r /opt/medical-ai/releases/0.1.0.1")


@pytest.mark.long
def test_an_upgrade_that_was_cut_off_is_finished_by_the_next(host: Machine) -> None:
    releases = "/opt/medical-ai/releases"
    host.run(
        f"echo 0.1.0 > /opt/medical-ai/previous && ln -sfn {releases}/0.1.1 /opt/medical-ai/current"
    )
    assert health(host)["version"] == "0.1.0"
    with watched(host) as watch:
        said = host.run("/root/release-0.1.1/deploy/upgrade.sh").stdout
        assert "release 0.1.1 is in use and healthy" in said, said
        assert health(host)["version"] == "0.1.1"
        host.run(f"{releases}/0.1.1/deploy/rollback.sh")
    assert watch.found() == []
    assert health(host)["version"] == "0.1.0"


@pytest.mark.long
def test_what_a_run_left_undone_is_done_by_the_next(host: Machine) -> None:
    host.run("cd /opt/medical-ai && touch .owed-nginx .owed-mariadb .owed-units")
    before = host.run("systemctl show -P MainPID mariadb.service").stdout
    host.run(f"{RELEASE}/deploy/install.sh")
    assert host.run("ls /opt/medical-ai/.owed-* 2>/dev/null", check=False).stdout == ""
    assert host.run("systemctl show -P MainPID mariadb.service").stdout != before
    until_healthy(host)


@pytest.mark.long
def test_another_release_is_not_installed_over_the_one_in_use(host: Machine) -> None:
    refused = host.run("/root/release-0.1.1/deploy/install.sh", check=False)
    assert refused.returncode == 1
    assert "another release is in use" in refused.stderr
