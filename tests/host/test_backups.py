"""Backups by the units of an installed host: made, proven, and restored when all is gone."""

from tests.host.conftest import health, until_healthy
from tests.host.machine import Machine

SUMS = (
    "mariadb -N -e \"SELECT CONCAT('CHECKSUM TABLE ', GROUP_CONCAT(table_name)) FROM"
    " information_schema.tables WHERE table_schema = 'medical_ai_db'"
    " AND table_name NOT IN ('audit_events', 'backup_runs')\" | mariadb -N medical_ai_db"
)


def run_unit(host: Machine, name: str) -> None:
    """Run a unit to its end; where it fails, show what it said."""
    host.run(f"systemctl start {name}.service || {{ journalctl -u {name} -o cat -n 30; false; }}")


def test_the_units_back_up_and_prove_it(host: Machine) -> None:
    run_unit(host, "medical-ai-backup")
    run_unit(host, "medical-ai-restore-check")
    said = health(host)
    assert said["status"] == "healthy"
    assert said["backups"]["last_backup_at"]  # type: ignore[index]  # JSON
    assert said["backups"]["last_restore_proof_at"]  # type: ignore[index]  # JSON
    journal = host.run("journalctl -u medical-ai-restore-check -o cat").stdout
    assert "are as they were" in journal, journal
    left = host.run("ls -A /var/lib/medical-ai/.backup /var/backups/medical-ai").stdout
    assert "data.sql" not in left
    assert host.run("find /var/lib/medical-ai /var/backups/medical-ai -user root").stdout == ""


def test_after_everything_is_gone_the_backup_brings_it_back(host: Machine) -> None:
    host.run("systemctl stop medical-ai.target medical-ai.service medical-ai-worker.service")
    host.run("medical-ai backup")
    before = host.run(SUMS).stdout
    key = host.run("cat /etc/medical-ai/secrets/encryption_keys").stdout
    host.run("mariadb -e 'DROP DATABASE medical_ai_db'")
    said = host.run("medical-ai restore --with-settings --yes").stdout
    assert "every table as it was backed up" in said
    assert "does not open" not in said
    assert host.run(SUMS).stdout == before
    kept = "/var/lib/medical-ai/restored-settings"
    assert host.run(f"cat {kept}/secrets/encryption_keys").stdout == key
    assert "PUBLIC_URL" in host.run(f"cat {kept}/medical-ai.env").stdout
    host.run(f"find {kept} -mindepth 1 -delete")
    host.run("systemctl start medical-ai.target")
    until_healthy(host, 60)
    run_unit(host, "medical-ai-backup")
    run_unit(host, "medical-ai-restore-check")


def test_what_would_be_overwritten_is_left_alone(host: Machine) -> None:
    for words in ("systemctl stop medical-ai.target", "--replace"):
        refused = host.run("medical-ai restore --yes 2>&1", check=False)
        assert refused.returncode == 1
        assert words in refused.stdout
        assert "Traceback" not in refused.stdout
        host.run("systemctl stop medical-ai.target")
    assert "is at version" in host.run("medical-ai migrate").stdout
    host.run("systemctl start medical-ai.target")
    until_healthy(host, 60)


def test_former_keys_go_into_the_backup(host: Machine) -> None:
    host.run("umask 077; echo made-up > /etc/medical-ai/encryption-keys-former")
    run_unit(host, "medical-ai-backup")
    host.run("systemctl stop medical-ai.target")
    host.run("medical-ai restore --replace --with-settings --yes")
    host.run("systemctl start medical-ai.target; rm /etc/medical-ai/encryption-keys-former")
    kept = "/var/lib/medical-ai/restored-settings"
    listed = host.run(f"cd {kept} && find . -type f").stdout.split()
    assert "./encryption-keys-former" in listed
    assert "./secrets/encryption_keys" in listed
    assert not [path for path in listed if "migration_database_url" in path]
    host.run(f"find {kept} -mindepth 1 -delete")
    until_healthy(host, 60)
