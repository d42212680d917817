"""What the doctor asks the database, the worker's traces, mail and the identity provider."""

import base64
import json
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import patch

import pymysql
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text, update

from medical_ai.audit.models import AuditEvent
from medical_ai.core import clock
from medical_ai.core.config import AES_KEY_BYTES, Settings
from medical_ai.core.database import Database
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.ops import heartbeat
from medical_ai.ops.backups.service import BACKUP, PROOF, record_run
from medical_ai.ops.host.checks import backups, secrets, service
from medical_ai.ops.host.checks import database as checks
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, Level
from medical_ai.ops.models import BackupRun
from medical_ai.ops.schema import downgrade_schema, head_revision, upgrade_schema
from tests.support.host import host_of
from tests.support.mail import MailSink
from tests.support.mariadb import MariaDBServer
from tests.support.people import Cast
from tests.support.processes import free_port
from tests.support.settings import make_settings
from tests.support.stores import mariadb_settings, sqlite_settings, without_triggers

GOOD = "a password of no use"  # pragma: allowlist secret - made up


@pytest.fixture
def host(settings: Settings, tmp_path: Path) -> Host:
    """A host with a migrated database."""
    return host_of(settings, tmp_path)


def level(finding: Finding, words: str = "") -> str:
    """Return how bad a finding is; what is bad says how it is mended."""
    assert words in finding.found, finding
    assert (finding.mend == "") is (finding.level is Level.OK), finding
    return finding.level.value


def with_user(server: MariaDBServer, tmp_path: Path, rights: str, **url: str) -> Host:
    """Return a host whose service is a user with these rights on a database of its own."""
    settings = mariadb_settings(server, "checked")
    with pymysql.connect(unix_socket=str(server.socket), user="root") as connection:
        cursor = connection.cursor()
        cursor.execute(f"CREATE OR REPLACE USER checker@localhost IDENTIFIED BY '{GOOD}'")
        cursor.execute(f"GRANT {rights} TO checker@localhost")
    changed = {"username": "checker", "password": GOOD} | url
    spelled = make_url(settings.sqlalchemy_url).set(**changed)  # type: ignore[arg-type]
    text = spelled.render_as_string(hide_password=False)
    few = make_settings(
        database_url=SecretStr(text), database_pool_size=1, database_pool_overflow=0
    )
    return host_of(few, tmp_path)


# -- the database


@pytest.mark.commits
@pytest.mark.usefixtures("database")
def test_it_answers(host: Host) -> None:
    assert level(checks.check_reachable(host)) == "ok"


def test_the_embedded_file_that_is_gone(tmp_path: Path) -> None:
    gone = host_of(sqlite_settings(tmp_path / "nowhere"), tmp_path)
    assert level(checks.check_reachable(gone), "cannot be opened") == "FAIL"


def test_what_mariadb_refuses(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    everything = "ALL ON checked.*"
    assert level(checks.check_reachable(with_user(mariadb_server, tmp_path, everything))) == "ok"
    for changed, words in (
        ({"password": "not it"}, "name or password"),  # pragma: allowlist secret - made up
        ({"database": "not_there"}, "no such database"),
    ):
        refused = with_user(mariadb_server, tmp_path, everything, **changed)
        said = checks.check_reachable(refused)
        assert level(said, words) == "FAIL"
        assert "not it" not in said.found + said.mend
    url = SecretStr("mysql+pymysql://u@localhost/d?unix_socket=/nowhere/socket")
    away = host_of(make_settings(database_url=url), tmp_path)
    assert level(checks.check_reachable(away), "cannot be reached") == "FAIL"


def test_more_connections_than_mariadb_takes(
    mariadb_server: MariaDBServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = with_user(mariadb_server, tmp_path, "ALL ON checked.*")
    settings = tmp_path / "medical-ai.env"
    monkeypatch.setenv("ENV_FILE", str(settings))
    for processes, wanted, words in ((4, "ok", "it answers"), (9_000, "warn", "up to 9040")):
        settings.write_text(f"WEB_CONCURRENCY={processes}\n")
        host.layout.__dict__.pop("env_file", None)
        assert level(checks.check_reachable(host), words) == wanted
    settings.write_text("")
    host.layout.__dict__.pop("env_file", None)
    assert checks.count_connections(host) == multiprocessing.cpu_count() * 2 + 1 + 40


def test_rights(mariadb_server: MariaDBServer, tmp_path: Path) -> None:
    tables = "users", "audit_events", "audit_blocks", "audit_seals", "alembic_version"
    for rights, wanted, words in (
        ("SELECT, INSERT, UPDATE, DELETE ON checked.*", "warn", "change the audit log"),
        ("ALL ON checked.*", "warn", "more than it needs: ALL PRIVILEGES"),
        ("SELECT, INSERT ON checked.*", "FAIL", "all it needs with users"),
    ):
        host = with_user(mariadb_server, tmp_path, rights)
        with pymysql.connect(unix_socket=str(mariadb_server.socket), user="root") as connection:
            cursor = connection.cursor()
            for table in tables:
                cursor.execute(f"CREATE TABLE checked.{table} (id INT)")
        assert level(checks.check_rights(host), words) == wanted
    with pymysql.connect(unix_socket=str(mariadb_server.socket), user="root") as connection:
        connection.cursor().execute("GRANT UPDATE, DELETE ON checked.users TO checker@localhost")
    assert level(checks.check_rights(host), "not change the audit log") == "ok"
    assert level(checks.check_rights(host_of(sqlite_settings(tmp_path), tmp_path))) == "ok"


def test_schema(mariadb_server: MariaDBServer, tmp_path: Path, database_kind: str) -> None:
    if database_kind == "sqlite":
        settings = sqlite_settings(tmp_path)
    else:
        settings = mariadb_settings(mariadb_server, "schema_checked")
    host, database = host_of(settings, tmp_path), Database(settings)
    upgrade_schema(database)
    assert level(checks.check_schema(host)) == "ok"
    for version in ("0999", head_revision()):
        with database.engine.begin() as connection:
            put = text("UPDATE alembic_version SET version_num = :version")
            connection.execute(put, {"version": version})
        assert level(checks.check_schema(host), f"version {version}") == "ok"
    downgrade_schema(database, to="0010")
    assert level(checks.check_schema(host), "at version 0010") == "FAIL"
    downgrade_schema(database, to="base")
    assert level(checks.check_schema(host), "no tables") == "FAIL"
    database.dispose()


@pytest.mark.commits
@pytest.mark.usefixtures("database")
def test_skew(host: Host, database_kind: str) -> None:
    assert level(checks.check_skew(host)) == "ok"
    if database_kind == "sqlite":
        return
    wrong = clock.now() + timedelta(seconds=30)
    with patch.object(clock, "now", lambda: wrong):
        assert level(checks.check_skew(host), "seconds off") == "FAIL"


# -- what the worker leaves


@pytest.mark.commits
def test_worker(host: Host, database: Database) -> None:
    assert level(service.check_worker(host), "never-started") == "FAIL"
    for lateness, ago, wanted, words in (
        (None, 0, "ok", "runs"),
        (0.4, 0, "ok", "0.4 seconds"),
        (90.0, 0, "warn", "90 seconds late"),
        (0.4, 60, "FAIL", "stopped"),
    ):
        then = clock.now() - timedelta(seconds=ago)
        with database.unit_of_work() as session, patch.object(clock, "now", lambda at=then: at):
            heartbeat.beat(session, worker="one", lateness_p99_seconds=lateness)
        assert level(service.check_worker(host), words) == wanted


@pytest.mark.commits
def test_outbox(host: Host, database: Database) -> None:
    with database.unit_of_work() as session:
        jobs.enqueue(session, kind="test.kind", payload={}, idempotency_key="one")
    assert level(service.check_outbox(host)) == "ok"
    for values, wanted, words in (
        ({"status": JobStatus.DEAD}, "warn", "1 jobs were given up"),
        (
            {"status": JobStatus.READY, "run_at": clock.now() - timedelta(hours=1)},
            "FAIL",
            "should have begun",
        ),
    ):
        with database.unit_of_work() as session:
            session.execute(update(Job).values(**values))
        assert level(service.check_outbox(host), words) == wanted


@pytest.mark.commits
def test_audit(host: Host, database: Database, people: Cast) -> None:
    assert people
    assert level(service.check_audit(host)) == "ok"
    old = clock.now() - timedelta(hours=1)
    with database.engine.begin() as connection, without_triggers(connection):
        connection.execute(update(AuditEvent).values(at=old))
    assert level(service.check_audit(host), "wait for their seal") == "FAIL"


@pytest.mark.commits
def test_backups(host: Host, database: Database) -> None:
    assert level(backups.check_backup(host), "none yet") == "warn"
    for kind, look in ((BACKUP, backups.check_backup), (PROOF, backups.check_restore_proof)):
        with database.unit_of_work() as session:
            record_run(session, kind=kind, started_at=clock.now())
        assert level(look(host), "0 hours ago") == "ok"
    with database.unit_of_work() as session:
        record_run(session, kind=BACKUP, started_at=clock.now(), error=OSError())
    assert level(backups.check_backup(host), "the newest failed; the last good one") == "FAIL"


@pytest.mark.commits
def test_late_is_told_from_failed(host: Host, database: Database) -> None:
    with database.unit_of_work() as session:
        record_run(session, kind=BACKUP, started_at=clock.now())
        session.flush()
        session.execute(update(BackupRun).values(finished_at=clock.now() - timedelta(days=3)))
    assert level(backups.check_backup(host), "late; the last was") == "FAIL"


@pytest.mark.commits
@pytest.mark.usefixtures("people")
def test_a_ring_that_opens_nothing_is_found(host: Host) -> None:
    assert level(secrets.check_key_ring(host), "holds the keys of all records") == "ok"
    other = SecretStr(base64.b64encode(b"k" * AES_KEY_BYTES).decode())
    settings = host.settings.model_copy(update={"encryption_keys": other})
    vars(settings).pop("ring_keys")  # what was worked out of the former value
    strange = replace(host, settings=settings)
    assert level(secrets.check_key_ring(strange), "lacks the keys of") == "FAIL"


# -- mail and the identity provider


def mail_host(tmp_path: Path, port: int, security: str = "none") -> Host:
    """Return a host with a mail server."""
    reached = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": security}
    return host_of(make_settings(**reached), tmp_path)


def test_mail(mail: MailSink, tmp_path: Path) -> None:
    assert level(service.check_mail(mail_host(tmp_path, mail.port)), "greets us") == "ok"
    assert mail.taken == []
    closed = mail_host(tmp_path, free_port())
    assert level(service.check_mail(closed), "ConnectionRefusedError") == "FAIL"
    for security in ("starttls", "tls"):  # it does not speak TLS
        insecure = mail_host(tmp_path, mail.port, security)
        assert level(service.check_mail(insecure)) == "FAIL"
    assert level(service.check_mail(host_of(make_settings(), tmp_path)), "no mail server") == "warn"


@pytest.fixture
def discovery() -> Iterator[dict[str, object]]:
    """A provider whose discovery says what the test wants; `address` is where it is."""
    said: dict[str, object] = {}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"issuer": said["issuer"]}).encode()
            self.send_response(200 if self.path == "/.well-known/openid-configuration" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    said["address"] = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield said
    server.shutdown()
    server.server_close()


def test_provider(discovery: dict[str, object], tmp_path: Path) -> None:
    assert level(service.check_provider(host_of(make_settings(), tmp_path)), "none") == "ok"
    host = host_of(make_settings(oidc_issuer=discovery["address"]), tmp_path)
    discovery["issuer"] = discovery["address"]
    assert level(service.check_provider(host), "answers") == "ok"
    discovery["issuer"] = "https://elsewhere.example.org"
    assert level(service.check_provider(host), "another issuer") == "FAIL"
    away = host_of(make_settings(oidc_issuer=f"http://127.0.0.1:{free_port()}"), tmp_path)
    assert level(service.check_provider(away), "does not answer") == "FAIL"
