"""An installation that is killed again and again comes to its end, and shows no secret."""

import re
from pathlib import Path

import pytest

from tests.host.conftest import RELEASE, health, unpacked, until_healthy
from tests.host.machine import Machine
from tests.host.watching import watched

pytestmark = pytest.mark.long

INSTALL = f"{RELEASE}/deploy/install.sh --answers /root/answers"
SAID = "/root/said"
MOMENTS = {
    "packages are unpacked": "pgrep -x dpkg-deb",
    "a package is half configured": "pgrep -f /var/lib/dpkg/info/mariadb-server.*postinst",
    "the environment is filled": "ls /opt/medical-ai/releases/*/.venv/lib/*/site-packages/flask",
    "the first random words are made": "ls /etc/medical-ai/secrets/jwt*",
    "the certificate is made": "ls /etc/letsencrypt/live",
    "the site is switched on": "test -e /etc/nginx/sites-enabled/medical-ai.conf",
    "the backup repository is begun": "ls /var/backups/medical-ai/keys/*",
    "the first backup runs": "systemctl is-active medical-ai-backup | grep activating",
}
"""When it is killed, in the order in which an installation comes by."""


def kill_when(host: Machine, sign: str) -> bool:
    """Start the installation and kill all of it at a sign; tell whether the sign came in time."""
    host.run(
        f"systemd-run --quiet --unit=installing -p Type=exec -p StandardOutput=file:{SAID}"
        f" -p StandardError=inherit -E HOME=/root bash -c '{INSTALL}'"
    )
    return (
        "killed"
        in host.run(
            f"while systemctl -q is-active installing; do if {sign} >/dev/null 2>&1; then"
            " systemctl kill --signal=KILL --kill-whom=all installing && echo killed; break; fi;"
            " sleep 0.01; done; while systemctl -q is-active installing; do sleep 0.1; done;"
            " systemctl reset-failed installing 2>/dev/null || true"
        ).stdout
    )


def test_it_gets_to_its_end_however_often_it_is_killed(archive: Path) -> None:
    with unpacked(archive) as host, watched(host) as watch:
        for moment, sign in MOMENTS.items():
            assert kill_when(host, sign), f"{moment}: {host.fetch(SAID)}"
            if moment == "the environment is filled":
                assert "cut off before" in host.fetch(SAID)
        said = host.run(INSTALL).stdout
        assert re.search(r"^Done: \d+ changes", said, re.MULTILINE), said
        until_healthy(host)
        assert host.run("dpkg --audit").stdout == ""
        assert host.run("medical-ai verify", check=False).returncode == 0
        assert "Nothing had to change." in host.run(INSTALL).stdout
        assert health(host)["backups"]["last_restore_proof_at"]  # type: ignore[index]  # JSON
    assert watch.found() == []
