"""The operator's command on a real host: what is well, what is broken, and secrets replaced."""

import json

import pytest

from tests.host.conftest import Load, assert_nothing_failed
from tests.host.machine import Machine

LOAD_SECONDS = 75


def doctor(host: Machine) -> dict[str, dict[str, str]]:
    """Return what the doctor finds, by the names of the checks."""
    said = host.run("medical-ai doctor --json", check=False).stdout
    return {one["name"]: one for one in json.loads(said)["checks"]}


def test_the_checklist_of_a_fresh_host_is_green_but_for_what_a_trial_has_not(
    host: Machine,
) -> None:
    found = json.loads(host.run("medical-ai verify --json").stdout)
    not_good = {one["name"] for one in found["checks"] if one["level"] != "ok"}
    assert not_good <= {"https", "backup", "restore proof"}
    host.run("medical-ai status")
    assert host.run("medical-ai config check").stdout.startswith("OK: ")
    assert host.run("medical-ai config network").stdout == "none\n"


def test_whoever_is_not_root_is_told_what_to_type(host: Machine) -> None:
    said = host.run("su -s /bin/sh nobody -c '/usr/local/bin/medical-ai status' 2>&1", check=False)
    assert "sudo medical-ai status" in said.stdout


def test_the_certificates_timer_does_its_check(host: Machine) -> None:
    host.run("systemctl start medical-ai-cert-check.service")
    said = host.run("medical-ai cert-check --days 300 2>&1", check=False)
    assert "certificate.expires-soon" in said.stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("broken", "mended", "check", "words"),
    [
        (
            "systemctl stop medical-ai-worker",
            "systemctl start medical-ai-worker",
            "units",
            "medical-ai-worker.service is inactive",
        ),
        ("systemctl stop mariadb", "systemctl start mariadb", "database", "cannot be reached"),
        ("systemctl stop nginx", "systemctl start nginx", "ports", "nobody listens on port 443"),
        (
            "chmod 0644 /etc/medical-ai/secrets/jwt_secret",
            "chmod 0600 /etc/medical-ai/secrets/jwt_secret",
            "files",
            "jwt_secret is open to more",
        ),
        (
            "touch /var/lib/medical-ai/of-root",
            "rm /var/lib/medical-ai/of-root",
            "files",
            "belongs to root",
        ),
        (
            "echo nonsense > /etc/nginx/conf.d/bad.conf",
            "rm /etc/nginx/conf.d/bad.conf",
            "nginx",
            "refuses its configuration",
        ),
        (
            "systemctl stop medical-ai-backup.timer",
            "systemctl start medical-ai-backup.timer",
            "timers",
            "medical-ai-backup.timer",
        ),
        (
            "mariadb -e 'GRANT ALL ON medical_ai_db.* TO medical_user@localhost'",
            "mariadb -e 'REVOKE ALL ON medical_ai_db.* FROM medical_user@localhost; GRANT SELECT,"
            " INSERT ON medical_ai_db.* TO medical_user@localhost'",
            "database rights",
            "more than it needs",
        ),
        (
            "mariadb -e 'SET GLOBAL max_connections = 499'",
            "mariadb -e 'SET GLOBAL max_connections = 500'",
            "database settings",
            "max_connections",
        ),
    ],
)
def test_the_doctor_finds_what_is_broken(
    host: Machine, broken: str, mended: str, check: str, words: str
) -> None:
    assert doctor(host)[check]["level"] == "ok"
    host.run(broken)
    try:
        found = doctor(host)[check]
    finally:
        host.run(mended)
    assert found["level"] in ("fail", "warn")
    assert words in found["found"]
    assert found["mend"]
    assert doctor(host)[check]["level"] == "ok"


@pytest.mark.long
def test_secrets_and_keys_are_replaced_and_nobody_notices(host: Machine) -> None:
    load = Load(host, LOAD_SECONDS)
    for command in (
        "rotate-secrets jwt", "rotate-keys", "rotate-keys --reseal", "rotate-keys --drop-old",
    ):  # fmt: skip
        host.run(f"medical-ai {command}")
    assert_nothing_failed(load.result())
    assert "as it was sealed" in host.run("medical-ai audit verify").stdout
    host.run("medical-ai rotate-secrets --finish --now")


@pytest.mark.long
def test_the_databases_passwords_are_replaced(host: Machine) -> None:
    before = host.run("cat /etc/medical-ai/secrets/database_url").stdout
    host.run("medical-ai rotate-secrets database")
    assert before != host.run("cat /etc/medical-ai/secrets/database_url").stdout
    assert doctor(host)["database"]["level"] == "ok"


def test_maintenance_shows_a_page_and_leaves_health(host: Machine) -> None:
    status = "curl -sk -o /dev/null -w '%{http_code} ' https://medical.test"
    for _ in range(2):
        host.run("medical-ai maintenance on --minutes 5")
    assert host.run(f"{status}/login; {status}/health").stdout.split() == ["503", "200"]
    for _ in range(2):
        host.run("medical-ai maintenance off")
    assert host.run(f"{status}/login").stdout.strip() == "200"


def test_no_file_of_roots_is_left_where_the_service_works(host: Machine) -> None:
    host.run("medical-ai create-admin erin@example.org")
    assert host.run("find /var/lib/medical-ai -not -user medical-ai").stdout == ""
