"""A host whose database is a server elsewhere, reached over TLS. Named to run last: it needs the
host without an installation of its own.
"""

import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from medical_ai.ops.schema import head_revision
from tests.host.conftest import RELEASE, health, until_healthy
from tests.host.machine import CLIENT_ADDRESS, DOMAIN, HOST_ADDRESS, Machine
from tests.host.test_backups import run_unit
from tests.host.test_life import make_version
from tests.support.certificates import sign_by_itself
from tests.support.mariadb import MariaDBServer

pytestmark = pytest.mark.long

SERVER = "db.medical.test"
CA = "/etc/medical-ai/database-ca.pem"
ANSWERS = f"""DOMAIN={DOMAIN}
ADMIN_EMAIL=admin@example.org
CERTIFICATE=self-signed
DATABASE=remote
DATABASE_URL_FILE=/root/database-url
OWNER_URL_FILE=/root/owner-url
DATABASE_SSL_CA={CA}
FAIL2BAN=no
"""
ACCOUNT = f"'medical_user'@'{HOST_ADDRESS}'"
MIGRATIONS = "medical_ai/migrations/versions"
MORE = f'''"""add more

One new table.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0999", "{head_revision()}"


def upgrade() -> None:
    op.create_table("more", sa.Column("id", sa.Integer(), primary_key=True))
'''
USERS, OWNERS = secrets.token_hex(12), secrets.token_hex(12)
INSTALL = f"{RELEASE}/deploy/install.sh --answers /root/answers-remote"


@pytest.fixture(scope="module")
def elsewhere(bare: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A MariaDB at the other end of the wire that takes nobody without TLS."""
    folder = tmp_path_factory.mktemp("tls")
    sign_by_itself(folder, SERVER)
    tls = [f"--ssl-cert={folder}/fullchain.pem", f"--ssl-key={folder}/privkey.pem"]
    listens = ["--skip-networking=0", f"--bind-address={CLIENT_ADDRESS}", "--port=3306"]
    inside = "ip", "netns", "exec", f"{bare.name}c"
    with MariaDBServer(*tls, *listens, "--require-secure-transport=ON", inside=inside) as server:
        # A certificate that another test got from an authority of its own would stay in use.
        bare.run("rm -rf /etc/letsencrypt; mkdir -p /etc/medical-ai")
        bare.send(folder / "fullchain.pem", "/etc/medical-ai")
        bare.run(f"mv /etc/medical-ai/fullchain.pem {CA}; chmod 644 {CA}")
        bare.run(f"echo '{CLIENT_ADDRESS} {SERVER}' >> /etc/hosts")
        yield server


def as_administrator(server: MariaDBServer, sql: str) -> None:
    """Run statements as whoever looks after the server elsewhere."""
    done = subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root"],
        input=sql, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def host(bare: Machine, elsewhere: MariaDBServer) -> Machine:
    """The host with the assistant on it, and its database elsewhere."""
    users = (Path(__file__).parents[2] / "deploy/mariadb/users.sql").read_text(encoding="utf-8")
    for word, value in (
        ("USER_PASSWORD", USERS), ("OWNER_PASSWORD", OWNERS), ("@localhost", f"@`{HOST_ADDRESS}`"),
    ):  # fmt: skip
        users = users.replace(word, value)
    as_administrator(elsewhere, users)
    for name, who, password in (
        ("database-url", "medical_user", USERS), ("owner-url", "medical_owner", OWNERS),
    ):  # fmt: skip
        url = f"mysql+pymysql://{who}:{password}@{SERVER}/medical_ai_db"
        bare.run(f"umask 077; echo '{url}' > /root/{name}")
    bare.run(f"cat > /root/answers-remote <<'E'\n{ANSWERS}E")
    refused = bare.run(INSTALL, check=False)
    statements = find_statements(refused.stderr)
    assert f"GRANT UPDATE, DELETE ON `medical_ai_db`.`users` TO {ACCOUNT};" in statements
    assert not any("audit_" in one for one in statements), statements
    as_administrator(elsewhere, "\n".join(statements))
    said = bare.run(INSTALL).stdout
    assert "Done: " in said, said
    return bare


def find_statements(said: str) -> list[str]:
    """Return the statements for the database's administrator in what a script said."""
    return [line.strip() for line in said.splitlines() if line.strip().startswith("GRANT ")]


def test_a_certificate_authority_that_cannot_be_read_is_found_at_once(host: Machine) -> None:
    host.run("sed 's/^DATABASE_SSL_CA=.*/&.gone/' /root/answers-remote > /root/answers-wrong")
    refused = host.run(
        f"{RELEASE}/deploy/install.sh --check --answers /root/answers-wrong", check=False
    )
    assert "DATABASE_SSL_CA" in refused.stderr


def test_it_answers(host: Machine) -> None:
    until_healthy(host, 30)
    assert host.run("dpkg-query -W mariadb-client").stdout
    assert host.run("medical-ai rights").stdout.startswith("OK: ")
    assert "Nothing had to change." in host.run(INSTALL).stdout


def test_it_is_verified_and_looked_at(host: Machine) -> None:
    assert "FAIL" not in host.run("medical-ai verify", check=False).stdout
    done = host.run("medical-ai doctor", check=False)
    for name in ("database", "database rights", "schema", "database clock", "files"):
        assert re.search(rf"^ok   {name}: ", done.stdout, re.MULTILINE), done.stdout
    assert "FAIL" not in done.stdout, done.stdout


def test_it_is_backed_up_proven_and_restored(host: Machine) -> None:
    run_unit(host, "medical-ai-backup")
    run_unit(host, "medical-ai-restore-check")
    assert health(host)["backups"]["last_restore_proof_at"]  # type: ignore[index]  # JSON
    host.run("systemctl stop medical-ai.target medical-ai.service medical-ai-worker.service")
    assert "every table as it was" in host.run("medical-ai restore --replace --yes").stdout
    host.run("systemctl start medical-ai.target")
    until_healthy(host, 60)
    assert host.run("medical-ai rights").stdout.startswith("OK: ")


def test_who_is_not_who_its_certificate_says_is_refused(host: Machine) -> None:
    host.run(f"cp {CA} {CA}.kept && cp /etc/ssl/certs/ca-certificates.crt {CA}")
    assert "cannot be reached" in host.run("medical-ai doctor", check=False).stdout
    host.run(f"mv {CA}.kept {CA}")
    until_healthy(host, 60)


def test_an_upgrade_finds_missing_rights_before_anything_is_changed(
    host: Machine, elsewhere: MariaDBServer
) -> None:
    folder = make_version(host, "0.1.1")
    as_administrator(elsewhere, f"REVOKE UPDATE, DELETE ON medical_ai_db.wards FROM {ACCOUNT};")
    refused = host.run(f"{folder}/deploy/upgrade.sh", check=False)
    assert refused.returncode == 1
    statements = find_statements(refused.stderr)
    assert statements == [f"GRANT UPDATE, DELETE ON `medical_ai_db`.`wards` TO {ACCOUNT};"]
    assert host.run("ls /opt/medical-ai/releases").stdout.split() == ["0.1.0"]
    as_administrator(elsewhere, statements[0])


def test_an_upgrade_with_a_new_table_stops_before_the_switch(
    host: Machine, elsewhere: MariaDBServer
) -> None:
    folder = make_version(
        host, "0.1.1", f"cat > {MIGRATIONS}/0999_add_more.py <<'E'\n{MORE}E\ntrue"
    )
    refused = host.run(f"{folder}/deploy/upgrade.sh", check=False)
    statements = find_statements(refused.stderr)
    assert statements == [f"GRANT UPDATE, DELETE ON `medical_ai_db`.`more` TO {ACCOUNT};"]
    assert health(host)["version"] == "0.1.0"
    as_administrator(elsewhere, statements[0])
    assert "0.1.1 is in use and healthy" in host.run(f"{folder}/deploy/upgrade.sh").stdout
    assert health(host)["version"] == "0.1.1"


def test_it_goes_and_leaves_the_database_elsewhere(host: Machine, elsewhere: MariaDBServer) -> None:
    host.run(f"/opt/medical-ai/current/deploy/uninstall.sh --with-data {DOMAIN}")
    as_administrator(elsewhere, "SELECT COUNT(*) FROM medical_ai_db.users;")
