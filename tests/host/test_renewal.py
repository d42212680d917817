"""A certificate authority gives a certificate, and it is renewed by the packaged service."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.host.conftest import ANSWERS, RELEASE
from tests.host.machine import DOMAIN, Machine

DIRECTORY = "https://localhost:14000/dir"
TWENTY_DAYS = 1_728_000
"""Certificates of this life are due for renewal at once."""

PEBBLE = {
    "pebble": {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": "/root/pebble/cert.pem",
        "privateKey": "/root/pebble/key.pem",
        "httpPort": 80,
        "tlsPort": 443,
        "certificateValidityPeriod": TWENTY_DAYS,
    }
}


@pytest.fixture
def authority(host: Machine) -> Iterator[Machine]:
    """Run Let's Encrypt's own test server on the host."""
    trust = "REQUESTS_CA_BUNDLE=/root/pebble/cert.pem"
    host.run(
        "mkdir -p /root/pebble && cd /root/pebble && openssl req -x509 -newkey rsa:2048 -nodes"
        " -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem"
        f" -out cert.pem 2>&1 && echo '{json.dumps(PEBBLE)}' > config.json &&"
        " systemd-run --quiet --unit=pebble -E PEBBLE_VA_NOSLEEP=1 -E PEBBLE_WFE_NONCEREJECT=0"
        " pebble -config /root/pebble/config.json &&"
        f" timeout 20 sh -c 'until curl -s --cacert cert.pem {DIRECTORY} >&2; do sleep 0.2; done'"
    )
    host.run(
        "mkdir -p /run/systemd/system/certbot.service.d && printf '[Service]\\nEnvironment="
        f"{trust}\\n' > /run/systemd/system/certbot.service.d/trust.conf && systemctl daemon-reload"
    )
    yield host
    host.run("systemctl stop pebble; rm -r /run/systemd/system/certbot.service.d /root/pebble")


def serial(host: Machine) -> str:
    """Return the serial number of the certificate that nginx shows to the world."""
    return host.client(
        f"openssl s_client -connect {DOMAIN}:443 -servername {DOMAIN} </dev/null 2>/dev/null"
        " | openssl x509 -noout -serial"
    ).stdout


@pytest.mark.long
def test_it_is_issued_served_and_renewed(authority: Machine) -> None:
    host = authority
    own = serial(host)
    answers = ANSWERS.replace("self-signed", "certbot")
    answers += f"ACME_EMAIL=admin@example.org\nACME_SERVER={DIRECTORY}\n"
    host.run(f"cat > /root/answers-certbot <<'E'\n{answers}E")
    install = f"{RELEASE}/deploy/install.sh --answers /root/answers-certbot"
    said = host.run(f"REQUESTS_CA_BUNDLE=/root/pebble/cert.pem {install}").stdout
    assert f"certificate of {DOMAIN}" in said, said
    issued = serial(host)
    assert issued != own
    assert "Nothing had to change." in host.run(install).stdout
    host.run("systemctl start certbot.service")
    deadline = time.monotonic() + 10  # nginx's old processes may answer a moment longer
    while (renewed := serial(host)) == issued and time.monotonic() < deadline:
        time.sleep(0.2)
    assert renewed not in {own, issued, ""}
    assert "serves the new certificate" in host.run("journalctl -t medical-ai-certificate").stdout


@pytest.mark.long
def test_one_that_ends_soon_is_said_by_its_check(host: Machine) -> None:
    done = host.run("systemctl start medical-ai-cert-check.service", check=False)
    assert done.returncode == 1
    said = host.run("journalctl -u medical-ai-cert-check --no-pager").stdout
    assert "days" in said
    host.run("systemctl reset-failed medical-ai-cert-check.service")
