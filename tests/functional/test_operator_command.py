"""`medical-ai` as it is run: a process of its own, on an installation in a folder."""

import json
import os
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from medical_ai.ops.schema import head_revision
from tests.support.certificates import Authority, sign_by_itself
from tests.support.host import NAME, Installation
from tests.support.tls import serving

NOBODY = "nobody"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
CANARY = "canary-value"
RUNNING = (
    'case "$*" in *ActiveState,*) echo LoadState=loaded; echo ActiveState=active;'
    " echo SubState=running; echo NRestarts=0;; *) echo ActiveState=active;; esac"
)


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A sound installation that other users may look into, as far as modes allow."""
    folder = Path(tempfile.mkdtemp(prefix="medical-ai-host-"))
    folder.chmod(0o755)
    yield Installation(folder / "host")
    shutil.rmtree(folder)


@pytest.fixture
def served(installation: Installation) -> Installation:
    """The installation with its tables."""
    installation.create_tables()
    return installation


@contextmanager
def answering(path: Path, status: str) -> Iterator[None]:
    """Answer one request on a socket, as the web process would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def answer() -> None:
        plain, _ = listening.accept()
        plain.recv(4096)
        plain.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        plain.close()

    threading.Thread(target=answer, daemon=True).start()
    yield
    listening.close()


def test_the_help_lists_every_command_with_a_line(served: Installation) -> None:
    said = served.run("--help").stdout
    for command in (
        "status", "doctor", "verify", "cert-check", "config", "create-admin", "maintenance",
        "rotate-secrets", "rotate-keys", "migrate", "worker", "sign-out", "reset-link", "audit",
    ):  # fmt: skip
        assert f"  {command} " in said, command
    for foreign in ("limiter", "--app", "--debug", "--env-file", "routes"):
        assert foreign not in said
    assert said.index("Look at it:") < said.index("Keep it safe:") < said.index("People:")


def test_the_help_works_where_the_application_cannot_start(installation: Installation) -> None:
    installation.write_secret("jwt_secret", "")
    done = installation.run("--help")
    assert "config" in done.stdout
    assert "JWT_SECRET" in done.stderr


# -- migrate


def test_migrate_makes_the_tables_as_their_owner_and_then_nothing(
    installation: Installation,
) -> None:
    first = installation.run("migrate").stdout
    assert "applied 0001: " in first
    second = installation.run("migrate").stdout
    assert second == f"The embedded SQLite database is at version {head_revision()}.\n"
    owner = installation.layout.owner / "migration_database_url"
    owner.parent.mkdir(mode=0o700, exist_ok=True)
    owner.write_text(f"mysql+pymysql://u@localhost/{CANARY}?unix_socket=/nowhere")
    refused = installation.run("migrate", code=1)
    assert "The tables could not all be changed: OperationalError." in refused.stderr
    assert CANARY not in refused.stdout + refused.stderr


# -- rights


def test_rights_and_settings_of_the_database(installation: Installation) -> None:
    assert installation.run("rights").stdout.startswith("OK: ")
    assert installation.run("config", "database").stdout == ""
    nowhere = f"mysql+pymysql://u@localhost/{CANARY}?unix_socket=/nowhere"
    installation.write_secret("database_url", nowhere)
    for words, said in (
        (["rights", "--grant"], "does not let us in (error 2003)"),
        (["config", "database"], "The database does not answer."),
    ):
        refused = installation.run(*words, code=1)
        assert said in refused.stderr
        assert CANARY not in refused.stdout + refused.stderr


# -- config


def test_config_check_and_network(installation: Installation) -> None:
    assert installation.run("config", "check").stdout.startswith("OK: 7 settings")
    assert installation.run("config", "network").stdout == "none\n"
    installation.write_settings("SMPT_HOST=x", f"SMTP_PORT={CANARY}", "OIDC_ISSUER=https://a.b")
    done = installation.run("config", "check", code=1)
    assert "nearest is SMTP_HOST" in done.stdout
    assert "SMTP_PORT" in done.stdout
    assert CANARY not in done.stdout + done.stderr
    other = installation.root / "other.env"
    other.write_text("PUBLIC_URL=https://other.example.org\n")
    other.chmod(0o600)
    installation.run("config", "check", "--file", str(other))
    installation.run("config", "check", "--file", "/nowhere.env", code=1)
    installation.run("config", "checks", code=2)


# -- maintenance


def test_maintenance_is_turned_on_and_off_any_number_of_times(installation: Installation) -> None:
    switch = installation.layout.maintenance
    for _ in range(2):
        assert "is on" in installation.run("maintenance", "on", "--minutes", "20").stdout
        assert switch.read_text() == "20\n"
        assert stat.S_IMODE(switch.stat().st_mode) == 0o644
    assert "20 minutes" in installation.run("maintenance", "status").stdout
    for _ in range(2):
        assert "is off" in installation.run("maintenance", "off").stdout
        assert not switch.exists()
    switch.parent.rmdir()
    assert "install.sh" in installation.run("maintenance", "on", code=1).stderr


# -- rights


@as_root
def test_who_may_not_is_told_which_file_and_what_to_type(served: Installation) -> None:
    for arguments in (("status",), ("config", "check"), ("sign-out", "--everybody"), ("doctor",)):
        said = served.run(*arguments, code=1, as_user=NOBODY).stderr
        assert f"sudo medical-ai {arguments[0]}" in said
        assert "Traceback" not in said
    assert str(served.env_file) in served.run("status", code=1, as_user=NOBODY).stderr
    served.env_file.chmod(0o644)
    assert str(served.layout.secrets) in served.run("status", code=1, as_user=NOBODY).stderr


@as_root
def test_root_reads_the_secrets_and_leaves_no_file_of_its_own(served: Installation) -> None:
    served.user = NOBODY
    for one in (served.data, *served.data.rglob("*")):
        shutil.chown(one, NOBODY, "nogroup")
    assert "chmod 0640" in served.run("create-admin", "erin@example.org", code=1).stderr
    shutil.chown(served.env_file, "root", "nogroup")
    for name in ("-wal", "-shm"):
        (served.data / f"medical_ai.db{name}").unlink(missing_ok=True)
    link = served.run("create-admin", "erin@example.org").stdout
    assert link.startswith(f"https://{NAME}/")
    served.run("doctor", code=None)
    served.run("rotate-keys", "--no-reload")
    served.run("rotate-keys", "--reseal")
    owners = {one.owner() for one in (served.data, *served.data.rglob("*"))}
    assert owners == {NOBODY}


@as_root
def test_a_service_user_that_is_not_there_is_said(served: Installation) -> None:
    served.user = "nobody-at-all"
    assert "install.sh" in served.run("sign-out", "--everybody", code=1).stderr
    said = served.run("doctor", code=1).stdout
    assert "There is no user nobody-at-all" in said


# -- status and doctor


def test_status_is_one_screen_and_json(served: Installation) -> None:
    served.add_program("systemctl", RUNNING)
    done = served.run("status", code=1)
    lines = done.stdout.splitlines()
    assert len(lines) < 24
    assert any(line.startswith("ok   database:") for line in lines)
    assert any(line.startswith("FAIL worker:") for line in lines)
    found = json.loads(served.run("status", "--json", code=1).stdout)
    assert found["healthy"] is False
    names = [one["name"] for one in found["checks"]]
    assert names[:3] == ["version", "units", "database"]
    for one in found["checks"]:
        assert one["level"] in ("ok", "warn", "fail")
        assert (one["mend"] == "") is (one["level"] == "ok")


@as_root
def test_the_doctor_says_what_to_type(served: Installation) -> None:
    served.add_program("systemctl", RUNNING)
    lines = served.run("doctor", code=1).stdout.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith(("warn", "FAIL")):
            assert following.startswith("     "), line
    assert "ok   units: web and worker run" in lines
    assert "ok   secrets: strong, and unlike each other" in lines


@as_root
def test_settings_that_cannot_be_used_are_the_first_thing_said(served: Installation) -> None:
    served.write_secret("jwt_secret", "short")
    for command in ("status", "doctor", "verify"):
        said = served.run(command, code=1).stdout
        assert said.startswith("FAIL settings: JWT_SECRET")
        assert "medical-ai config check" in said


# -- secrets and keys


@as_root
def test_secrets_are_replaced_and_the_service_is_told(served: Installation) -> None:
    told = served.root / "told"
    served.add_program("systemctl", f'echo "$@" >> {told}')
    before = served.secret("jwt_secret")
    with answering(served.layout.web_socket, "200 OK"):
        said = served.run("rotate-secrets", "jwt").stdout
    assert "was restarted" in said
    assert served.secret("jwt_secret_previous") == before
    assert told.read_text() == "try-restart medical-ai.service medical-ai-worker.service\n"
    assert served.secret("jwt_secret") not in said
    again = served.run("rotate-secrets", "jwt").stdout
    assert "already" in again
    assert len(told.read_text().splitlines()) == 1
    assert "--finish --now" in served.run("rotate-secrets", "--finish", code=1).stderr
    served.run("rotate-secrets", "--finish", "--now", "--no-reload")
    assert not (served.layout.secrets / "jwt_secret_previous").exists()
    served.run("rotate-secrets", "all", "--no-reload")
    (served.layout.secrets / "jwt_secret").unlink()
    assert "there was none" in served.run("rotate-secrets", "jwt", "--no-reload").stdout
    served.run("config", "check")
    assert "does not run" in served.run("rotate-secrets", "secret-key").stdout
    with answering(served.layout.web_socket, "503 Service Unavailable"):
        assert "answers 503" in served.run("rotate-secrets", "secret-key", code=1).stderr
    served.add_program("systemctl", "echo it broke; exit 1")
    assert "it broke" in served.run("rotate-secrets", "secret-key", code=1).stderr


@as_root
def test_a_key_is_replaced_in_three_steps(served: Installation) -> None:
    served.add_program("systemctl", "exit 0")
    link = served.run("create-admin", "erin@example.org").stdout
    assert link
    old = served.secret("encryption_keys")
    assert "--reseal" in served.run("rotate-keys").stdout
    assert served.secret("encryption_keys").endswith(f",{old}")
    assert "already" in served.run("rotate-keys").stdout
    assert "--drop-old" in served.run("rotate-keys", "--reseal").stdout
    # A process that still has the old ring alone would go on sealing with it.
    old_one = "echo ActiveState=active; echo ExecMainStartTimestampMonotonic=1"
    served.add_program("systemctl", old_one)
    refused = served.run("rotate-keys", "--drop-old", code=1).stderr
    assert "has not got the new key yet" in refused
    served.add_program("systemctl", "exit 0")
    assert "left the ring" in served.run("rotate-keys", "--drop-old").stdout
    assert old not in served.secret("encryption_keys")
    assert "no former key" in served.run("rotate-keys", "--drop-old").stdout
    kept = served.layout.etc / "encryption-keys-former"
    assert kept.read_text().strip() == old
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    served.run("config", "check")
    assert "as it was sealed" in served.run("audit", "verify").stdout


# -- the certificate


def test_the_certificate_is_looked_at_on_disk_and_on_the_wire(installation: Installation) -> None:
    folder = installation.layout.certificate(f"https://{NAME}").parent
    Authority(installation.root).issue(folder, NAME, days=60)
    with serving(folder) as port:
        asked = ("cert-check", "--port", str(port))
        assert installation.run(*asked).stdout == "served: 60 days left\non disk: 60 days left\n"
        late = installation.run(*asked, "--days", "61", code=1)
        assert "certificate.expires-soon" in late.stderr
        sign_by_itself(folder, NAME, days=90)
        done = installation.run(*asked, code=1)
        assert "on disk: 90 days left, signed by itself" in done.stdout
        assert "systemctl reload nginx" in done.stderr
        (folder / "fullchain.pem").unlink()  # as for the timer, which may not look there
        assert "No such file" in installation.run(*asked).stdout
    assert "nothing answers" in installation.run(*asked, code=1).stderr
