"""What the handbook tells an operator to look at can be looked at, as it is written there."""

import re

import pytest

from tests.host.machine import DOMAIN, Machine
from tests.support.handbook import PAGES, list_commands

READING = re.compile(
    r"^(?:medical-ai (?:status|doctor|verify|config|audit (?:verify|head)|backup list|backup verify"
    r"|cert-check|maintenance status|--help|\w[\w-]* --help)\b"
    r"|systemctl (?:status|list-\w+)\b|journalctl (?!--vacuum|-o export)|df |du |ss |uptime$|last "
    r"|nginx -[tT]$|curl |openssl s_client|tail |ls |fail2ban-client status"
    r"|certbot certificates|mariadb -e 'SHOW|echo \| openssl)"
)
OF_ANOTHER_TIME = re.compile(
    r"[A-Z_]{4,}|…|\bFILE\b|https://your|anchors\.txt|<\w+>|&& (?!medical)"
)
SUCCEEDS = re.compile(
    r"^(?:medical-ai (?:config check|status|audit verify|backup verify)\b[^&]*|nginx -t)$"
)
"""What ends with 0 on a sound host. Others may say that something was broken on purpose."""
NOT_FOUND, NOT_RUN = 127, 126


def is_there(host: Machine, command: str) -> bool:
    """Tell whether the program of a command belongs to this installation: certbot may not."""
    return host.run(f"command -v {command.split()[0]}", check=False).returncode == 0


def readings() -> list[str]:
    """Return each command that looks and changes nothing, once."""
    every = [line for page in PAGES for line in list_commands(page)]
    fitting = [line.replace("your.domain", DOMAIN).replace("\\|", "|") for line in every]
    return sorted({x for x in fitting if READING.match(x) and not OF_ANOTHER_TIME.search(x)})


@pytest.mark.long
@pytest.mark.parametrize("command", readings())
def test_it_can_be_typed(host: Machine, command: str) -> None:
    if command.startswith("certbot") and not is_there(host, command):
        pytest.skip("this installation has no certbot: its certificate came from elsewhere")
    done = host.run(f"export SYSTEMD_PAGER= PAGER=cat; {command}", check=False, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode not in {NOT_FOUND, NOT_RUN}, said
    assert "Usage:" not in done.stderr, said
    assert done.returncode == 0 or not SUCCEEDS.match(command), said
    if not command.startswith("journalctl"):  # it tells of what was broken on purpose
        assert "Traceback" not in said, said
    assert "invalid option" not in said, said
    assert "unrecognized option" not in said, said


def test_there_is_much_to_look_at() -> None:
    assert len(readings()) >= 30, readings()
    assert len(list(filter(SUCCEEDS.match, readings()))) >= 5, readings()
