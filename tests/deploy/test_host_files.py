"""What lies around the application on its host, each judged by the program that will read it."""

import grp
import os
import pwd
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from medical_ai.core.database import Database
from medical_ai.ops.schema import upgrade_schema
from tests.support.mariadb import MariaDBServer
from tests.support.nginx import Nginx, program
from tests.support.processes import ROOT
from tests.support.settings import make_settings
from tests.support.upstream import Upstream
from tests.support.waiting import wait_until

DEPLOY = ROOT / "deploy"
USERS, OWNERS = secrets.token_hex(16), secrets.token_hex(16)
DENIED = {1044, 1142, 1227, 1045}
"""MariaDB's error numbers of what somebody may not do."""


def run(*command: object, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run a program and return what it said."""
    return subprocess.run(
        [str(one) for one in command],
        capture_output=True, text=True, check=False, **options,  # type: ignore[call-overload]  # passed on
    )  # fmt: skip


def needs(name: str, package: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    reason = f"deploy/system-packages.sh test installs {package}"
    return pytest.mark.skipif(shutil.which(name, path=path) is None, reason=reason)


# -- Logs


def logrotate_stanzas(edge: Nginx, pid: int) -> str:
    """Return the shipped stanzas with this machine's paths, people and process."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    group = grp.getgrgid(os.getegid()).gr_name
    text = (DEPLOY / "logrotate/medical-ai").read_text()
    for pattern, here in (
        (r"/var/log/(?:medical-ai|nginx)", f"{edge.folder}/log"),
        (r"create 0640 \S+ adm", f"create 0640 {user} {group}"),
        (r"systemctl kill .*", f"kill -USR1 {pid}"),
        (r"daily", "daily\n    su " + f"{user} {group}"),
    ):
        text, count = re.subn(pattern, here, text)
        assert count >= 2, pattern
    return text


@needs("logrotate", "logrotate")
def test_a_rotated_log_goes_on_in_a_new_file_that_few_may_read(
    edge: Nginx, behind: Upstream
) -> None:
    edge.get("/before")
    log = edge.folder / "log" / "gunicorn.log"
    log.write_text("a line\n")
    stanzas, state = edge.folder / "logrotate.conf", edge.folder / "state"
    stanzas.write_text(logrotate_stanzas(edge, edge.pid))
    stanzas.chmod(0o644)
    checked = run(program("logrotate"), "-d", "-s", state, stanzas)
    assert "error: " not in checked.stderr, checked.stderr
    rotated = run(program("logrotate"), "-f", "-v", "-s", state, stanzas)
    assert rotated.returncode == 0, rotated.stderr
    assert "GET /before" in Path(f"{edge.access_log}.1").read_text()

    def logged_anew() -> bool:
        edge.get("/after")
        return "GET /after" in edge.access_log.read_text()

    wait_until(logged_anew, seconds=5, what="nginx writes to the new file")
    assert "GET /before" not in edge.access_log.read_text()
    for path in (edge.access_log, log):
        assert path.stat().st_mode & 0o777 == 0o640
    assert log.read_text() == ""


def test_no_log_is_rotated_by_the_packages_rule_and_ours() -> None:
    # nginx's package rotates /var/log/nginx/*.log: logrotate refuses a file that is named twice.
    site = (ROOT / "medical-ai-nginx.conf").read_text()
    rotated = (DEPLOY / "logrotate/medical-ai").read_text()
    written = set(re.findall(r"/var/log/nginx/[\w.-]+", re.sub(r"(?m)^\s*#.*$", "", site)))
    assert written
    for path in written:
        assert not path.endswith(".log")
        assert path in rotated


# -- fail2ban


@needs("fail2ban-regex", "fail2ban")
def test_fail2ban_reads_nginxs_own_lines(edge: Nginx, behind: Upstream) -> None:
    statuses = [edge.ask("POST", "/auth/login?next=x", body=b"{}").status for _ in range(12)]
    assert statuses.count(429) == 7
    edge.get("/health")
    edge.get('/x"401"')
    done = run("fail2ban-regex", edge.access_log, DEPLOY / "fail2ban/filter.conf")
    assert re.search(r"Lines: 14 lines, 0 ignored, 7 matched, 7 missed", done.stdout), done.stdout
    assert re.search(r"\[14\] Year-Month-Day", done.stdout)


@needs("fail2ban-regex", "fail2ban")
@pytest.mark.parametrize(
    ("line", "hits"),
    [
        ('203.0.113.9 [{at}] "POST /auth/login" 401 12 0.1 401 ab', 1),
        ('203.0.113.9 [{at}] "POST /login" 401 12 0.1 401 ab', 1),
        ('203.0.113.9 [{at}] "POST /app/sign-in" 401 12 0.1 401 ab', 1),
        ('203.0.113.9 [{at}] "POST /app/sign-in/code" 401 12 0.1 401 ab', 1),
        ('2001:db8::9 [{at}] "POST //auth/login" 401 12 0.1 401 ab', 1),
        ('203.0.113.9 [{at}] "GET /app/today" 429 12 0.1 - ab', 0),
        ('203.0.113.9 [{at}] "POST /auth/login" 429 12 0.1 - ab', 1),
        ('203.0.113.9 [{at}] "POST /auth/login" 200 401 0.1 200 ab', 0),
        ('203.0.113.9 [{at}] "GET /auth/me" 401 12 0.1 401 ab', 0),
        ('203.0.113.9 [{at}] "GET /429" 200 429 0.1 200 ab', 0),
        ('203.0.113.9 [{at}] "GET /\\x22 429 " 200 1 0.1 200 ab', 0),
    ],
)
def test_fail2ban_counts_what_it_should(line: str, hits: int) -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    done = run("fail2ban-regex", line.format(at=at), DEPLOY / "fail2ban/filter.conf")
    assert f"{hits} matched" in done.stdout, done.stdout


@needs("fail2ban-client", "fail2ban")
def test_fail2ban_takes_the_jail(tmp_path: Path) -> None:
    shutil.copytree("/etc/fail2ban", tmp_path / "fail2ban")
    shutil.copy(DEPLOY / "fail2ban/filter.conf", tmp_path / "fail2ban/filter.d/medical-ai.conf")
    shutil.copy(DEPLOY / "fail2ban/jail.conf", tmp_path / "fail2ban/jail.d/medical-ai.conf")
    done = run("fail2ban-client", "-c", tmp_path / "fail2ban", "-d")
    assert done.returncode == 0, done.stderr
    assert "'add', 'medical-ai', 'auto'" in done.stdout
    assert "'set', 'medical-ai', 'maxretry', 12" in done.stdout
    assert "nftables-multiport" in done.stdout
    assert "'add', 'sshd', 'systemd'" in done.stdout


# -- Units


@needs("systemd-analyze", "systemd")
@pytest.mark.parametrize(
    "unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda x: x.stem
)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    text = re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit.read_text())
    (tmp_path / unit.name).write_text(text)
    done = run("systemd-analyze", "verify", "--man=no", tmp_path / unit.name)
    assert str(tmp_path) not in done.stderr, done.stderr
    # A file that may be missing has an empty one in its place, or the unit would not start.
    fallen_back = set(re.findall(r"^SetCredential=(\w+):\\n$", text, flags=re.MULTILINE))
    assert fallen_back == {"former", "owner"} & set(re.findall(r"LoadCredential=(\w+):", text))


# -- The firewall


@needs("nft", "nftables")
def test_the_firewall_loads_twice_and_drops_by_default() -> None:
    rules = DEPLOY / "nftables/medical-ai.nft"
    script = f"nft -f {rules} && nft -f {rules} && nft list ruleset"
    path = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    done = run("unshare", "-rn", "sh", "-c", script, env=path)
    if "unshare failed" in done.stderr or "Operation not permitted" in done.stderr:
        pytest.skip("this machine gives no network of one's own")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("table inet medical_ai {") == 1
    assert "policy drop" in done.stdout
    assert set(re.findall(r"dport (\S+|\{[^}]+\}) ct state new accept", done.stdout)) == {
        "22",
        "{ 80, 443 }",
    }


# -- MariaDB


@needs("mariadbd", "mariadb-server")
def test_mariadb_takes_its_settings() -> None:
    file = DEPLOY / "mariadb/medical-ai.cnf"
    done = run(program("mariadbd"), f"--defaults-file={file}", "--user=root", "--verbose", "--help")
    said = dict(re.findall(r"^([a-z-]+) +(\S.*)$", done.stdout, flags=re.MULTILINE))
    assert done.returncode == 0, done.stderr
    assert "unknown" not in done.stderr
    for line in file.read_text().splitlines():
        name, found, _ = (part.strip() for part in line.partition("="))
        if found and not name.startswith("#"):
            assert name.replace("_", "-") in said, name
    assert "STRICT_ALL_TABLES" in said["sql-mode"]
    assert said["local-infile"] == "FALSE"
    assert said["skip-name-resolve"] == said["slow-query-log"] == "TRUE"
    assert said["binlog-expire-logs-seconds"] == str(7 * 86_400)


@pytest.fixture
def server() -> Iterator[MariaDBServer]:
    """A MariaDB of this test alone, whose users are ours to make."""
    with MariaDBServer() as running:
        yield running


def grant(server: MariaDBServer) -> None:
    """Run the shipped SQL as root of the database."""
    sql = (DEPLOY / "mariadb/users.sql").read_text()
    sql = sql.replace("USER_PASSWORD", USERS).replace("OWNER_PASSWORD", OWNERS)
    command = ["mariadb", "--no-defaults", f"--socket={server.socket}", "-uroot"]
    done = run(*command, input=sql)
    assert done.returncode == 0, done.stderr


def refused(server: MariaDBServer, statement: str) -> bool:
    """Tell whether MariaDB refuses a statement of the application's user."""
    connection = pymysql.connect(
        unix_socket=str(server.socket),
        user="medical_user",
        password=USERS,
        database="medical_ai_db",
    )
    code = 0
    with connection, connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except pymysql.err.OperationalError as error:
            code = error.args[0]
    assert code == 0 or code in DENIED, (statement, code)
    return code != 0


def test_the_applications_user_may_change_rows_but_neither_tables_nor_the_log(
    server: MariaDBServer, tmp_path: Path
) -> None:
    grant(server)
    address = f"localhost/medical_ai_db?unix_socket={server.socket}"
    url = f"mysql+pymysql://medical_owner:{OWNERS}@{address}"
    database = Database(make_settings(database_url=url, data_dir=tmp_path))
    upgrade_schema(database)
    database.dispose()
    grant(server)
    grant(server)
    for statement in (
        "SELECT count(*) FROM audit_events",
        "UPDATE jobs SET attempts = 1",
        "DELETE FROM jobs",
        "UPDATE users SET username = 'x' WHERE 0",
    ):
        assert not refused(server, statement), statement
    for statement in (
        "UPDATE audit_events SET tag = 'x'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_seals",
        "UPDATE audit_blocks SET size = 0",
        "TRUNCATE TABLE jobs",
        "DROP TABLE jobs",
        "CREATE TABLE x (y INT)",
        "ALTER TABLE jobs ADD x INT",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE USER x@localhost",
        "SELECT * FROM medical_ai_restore_check.jobs",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
    ):
        assert refused(server, statement), statement


def test_whoever_had_too_much_before_has_it_no_more(server: MariaDBServer, tmp_path: Path) -> None:
    wide = "CREATE DATABASE medical_ai_db;"
    wide += f"CREATE USER medical_user@localhost IDENTIFIED BY '{USERS}';"
    wide += "GRANT SELECT, INSERT, UPDATE, DELETE ON medical_ai_db.* TO medical_user@localhost;"
    command = ["mariadb", "--no-defaults", f"--socket={server.socket}", "-uroot", "-e", wide]
    assert run(*command).returncode == 0
    test_the_applications_user_may_change_rows_but_neither_tables_nor_the_log(server, tmp_path)


# -- certbot


@pytest.mark.parametrize(("nginx_says", "reloads"), [(0, True), (1, False)])
def test_a_renewed_certificate_is_served_only_where_nginx_holds(
    tmp_path: Path, nginx_says: int, reloads: bool
) -> None:
    for name, code in (("nginx", nginx_says), ("systemctl", 0), ("logger", 0)):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/called\nexit {code}\n')
        script.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RENEWED_DOMAINS": "medical.test"}
    done = run(DEPLOY / "certbot/reload-nginx.sh", env=environment)
    called = (tmp_path / "called").read_text()
    assert done.returncode == nginx_says
    assert ("systemctl reload nginx.service" in called) == reloads
    assert "medical.test" in done.stdout


@needs("shellcheck", "shellcheck")
def test_shellcheck_has_nothing_to_say() -> None:
    scripts = [DEPLOY / "nginx/collect-static.sh", DEPLOY / "certbot/reload-nginx.sh"]
    done = run("shellcheck", *scripts)
    assert done.returncode == 0, done.stdout
