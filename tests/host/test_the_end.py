"""A host whose assistant is taken off again: the data stays until its owner says otherwise."""

import pytest

from tests.host.conftest import RELEASE, health, until_healthy
from tests.host.machine import DOMAIN, Machine

pytestmark = pytest.mark.long


def test_it_goes_and_leaves_the_data(host: Machine) -> None:
    host.run(f"{RELEASE}/deploy/uninstall.sh")
    assert host.run("ls /opt/medical-ai", check=False).returncode
    assert host.run("systemctl list-unit-files 'medical-ai*' --no-legend", check=False).stdout == ""
    assert (
        host.run("mariadb -N -e 'select count(*) from medical_ai_db.users'").stdout.strip() != "0"
    )
    host.run("nginx -t")


def test_it_can_be_installed_again_upon_the_data(host: Machine) -> None:
    assert "Done: " in host.run(f"{RELEASE}/deploy/install.sh").stdout
    until_healthy(host)
    assert (
        host.run("mariadb -N -e 'select count(*) from medical_ai_db.users'").stdout.strip() != "0"
    )


def test_it_goes_for_good_only_when_its_name_is_said(host: Machine) -> None:
    refused = host.run(f"{RELEASE}/deploy/uninstall.sh --with-data example.org", check=False)
    assert refused.returncode == 1
    assert health(host)["status"] == "healthy"
    host.run(f"{RELEASE}/deploy/uninstall.sh --with-data {DOMAIN}")
    left = host.run(
        "ls -d /etc/medical-ai /var/lib/medical-ai* /var/log/medical-ai /var/backups/medical-ai"
        " /opt/medical-ai /etc/nginx/sites-*/medical-ai* 2>/dev/null; getent passwd medical-ai;"
        " mariadb -N -e \"show databases like 'medical%'\"",
        check=False,
    )
    assert left.stdout == ""
