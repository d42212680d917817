"""TLS as Mozilla's "intermediate" wants it, the default server included."""

import re
import shutil
import ssl
import subprocess

import pytest
from flask import json

from tests.support.nginx import DOMAIN, Nginx
from tests.support.processes import ROOT

TOOLS = ROOT / ".tools/edge/bin"
NO_TOOLS = "deploy/test-tools.sh installs it"


@pytest.mark.skipif(not (TOOLS / "sslyze").exists(), reason=NO_TOOLS)
@pytest.mark.parametrize("level", ["intermediate", "modern"])
def test_sslyze_finds_it_compliant_and_can_tell(edge: Nginx, level: str) -> None:
    command = [TOOLS / "sslyze", f"--mozilla_config={level}"]
    command += [f"--certinfo_ca_file={edge.authority}", f"{DOMAIN}:{edge.port}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    is_compliant = "OK - Compliant" in done.stdout
    assert is_compliant == (level == "intermediate"), done.stdout[-3000:]


@pytest.mark.skipif(not (TOOLS / "gixy").exists(), reason=NO_TOOLS)
def test_gixy_has_nothing_to_say(edge: Nginx) -> None:
    # Debian's own nginx.conf, which is not ours, is left out.
    (edge.folder / "alone.conf").write_text(
        "worker_rlimit_nofile 2048; events { worker_connections 768; }\n"
        f"http {{ include {edge.folder}/site.conf; }}\n"
    )
    command = [TOOLS / "gixy", "-f", "json", edge.folder / "alone.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == []
    assert done.returncode == 0, done.stderr


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "works"),
    [
        (ssl.TLSVersion(0x0302), False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_old_versions_of_tls_are_refused(edge: Nginx, version: ssl.TLSVersion, works: bool) -> None:
    context = ssl.create_default_context(cafile=str(edge.authority))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that our side would speak it
    context.minimum_version = context.maximum_version = version
    if works:
        edge.connect(context=context).close()
    else:
        with pytest.raises(ssl.SSLError):
            edge.connect(context=context)


def test_browsers_speak_http_2(edge: Nginx) -> None:
    context = ssl.create_default_context(cafile=str(edge.authority))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with edge.connect(context=context) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def test_no_session_is_resumed_by_a_ticket(edge: Nginx) -> None:
    context = ssl.create_default_context(cafile=str(edge.authority))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with edge.connect(context=context) as connection:
        session = connection.session
    assert session is not None
    assert not session.has_ticket


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_group_for_diffie_hellman_is_that_of_rfc_7919() -> None:
    shipped = ROOT / "deploy/nginx/ffdhe2048.pem"
    command = "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048"
    made = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
    begin = re.compile(r"-----BEGIN.*", re.DOTALL)
    assert begin.search(shipped.read_text()).group() == begin.search(made).group()  # type: ignore[union-attr]  # None fails the test
