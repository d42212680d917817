"""What stands around the application on a host: limits, bans, logs and the load it must bear."""

import re
import time

import pytest

from tests.host.conftest import until_healthy
from tests.host.machine import CLIENT_ADDRESS, DOMAIN, Machine

GUESSER = "10.99.0.99"
GUESS = '{"email":"nobody@example.org","password":"wrong"}'  # pragma: allowlist secret
SIGN_IN = f"-H 'Content-Type: application/json' -d '{GUESS}'"


def test_a_thousand_health_checks_do_not_fail(host: Machine) -> None:
    said = host.client(f"ab -q -n 1000 -c 100 https://{DOMAIN}/health").stdout
    assert re.search(r"Complete requests:\s+1000\b", said), said
    assert re.search(r"Failed requests:\s+0\b", said), said
    assert "Non-2xx" not in said


@pytest.mark.long
def test_one_address_gets_twenty_requests_a_second(host: Machine) -> None:
    seconds, burst = 4, 40
    started = time.monotonic()
    codes: list[str] = []
    while time.monotonic() - started < seconds:
        ask = f"curl -sk -o /dev/null -w '%{{http_code}}\\n' 'https://{DOMAIN}/login?[1-150]'"
        codes += host.client(ask).stdout.split()
    allowed = 20 * (time.monotonic() - started) + burst
    assert set(codes) == {"200", "429"}
    assert codes.count("200") <= allowed + 1
    assert codes.count("200") >= 20 * seconds


def test_whoever_guesses_is_banned_and_nobody_else(host: Machine) -> None:
    host.client(f"ip addr replace {GUESSER}/24 dev eth0")
    time.sleep(1)
    guess = f"curl -sk --interface {GUESSER} -o /dev/null -m 5 -w '%{{http_code}}' {SIGN_IN}"
    said = [
        host.client(f"{guess} https://{DOMAIN}/auth/login", check=False).stdout for _ in range(16)
    ]
    assert said[0] == "401"
    assert "429" in said
    deadline = time.monotonic() + 20
    while "000" not in said[-1] and time.monotonic() < deadline:
        said.append(host.client(f"{guess} https://{DOMAIN}/auth/login", check=False).stdout)
        time.sleep(0.5)
    assert said[-1] == "000"
    assert GUESSER in host.run("fail2ban-client status medical-ai").stdout
    assert CLIENT_ADDRESS not in host.run("fail2ban-client status medical-ai").stdout
    until_healthy(host)
    host.run(f"fail2ban-client set medical-ai unbanip {GUESSER}")
    assert host.client(f"curl -sk --interface {GUESSER} -m 5 https://{DOMAIN}/health/live").stdout


def test_a_rotated_log_goes_on_in_a_new_file(host: Machine) -> None:
    logs = ("/var/log/medical-ai/access.log", "/var/log/nginx/medical-ai.access")
    host.client(f"curl -sk https://{DOMAIN}/login")
    host.run("logrotate -f /etc/logrotate.d/medical-ai")
    time.sleep(1)
    host.client(f"curl -sk 'https://{DOMAIN}/login?query=somebody'")
    time.sleep(0.5)
    for log in logs:
        lines = host.run(f"cat {log}").stdout.splitlines()
        assert any("/login" in line for line in lines), log
        assert "somebody" not in "".join(lines)
        assert host.run(f"stat -c '%U:%G %a' {log}.1").stdout.strip().endswith(":adm 640"), log
        assert "/login" in host.run(f"cat {log}.1").stdout


def test_the_log_is_for_the_service_and_administrators(host: Machine) -> None:
    listed = host.run("stat -c '%U:%G %a' /var/log/medical-ai /var/log/medical-ai/*.log").stdout
    assert set(listed.splitlines()) == {"medical-ai:adm 2750", "medical-ai:adm 640"}


def test_neither_metrics_nor_files_of_ours_are_for_strangers(host: Machine) -> None:
    for path in (
        "/metrics",
        "/.git/config",
        "/.env",
        "/medical_ai/core/config.py",
        "/static/../.env",
    ):
        ask = f"curl -sk --path-as-is -o /dev/null -w '%{{http_code}}' https://{DOMAIN}{path}"
        assert host.client(ask).stdout in {"400", "404"}, path
    assert "medical_ai" in host.run("curl -s http://127.0.0.1:5000/metrics").stdout


def test_maintenance_says_so_and_lets_monitors_through(host: Machine) -> None:
    host.run("medical-ai maintenance on")
    page = host.client(
        f"curl -sk -H 'Accept: text/html' -w '%{{http_code}}' https://{DOMAIN}/login"
    )
    assert page.stdout.endswith("503")
    until_healthy(host)
    host.run("medical-ai maintenance off")
    assert host.client(f"curl -skf https://{DOMAIN}/login").stdout
