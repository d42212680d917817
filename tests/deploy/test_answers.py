"""Questions of the installation: a slip of the hand is asked again, not the end of it."""

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = f"""
set -euo pipefail
SOURCE={ROOT}
. "$SOURCE/deploy/lib.sh"
. "$SOURCE/deploy/answers.sh"
"""
ASK = SHELL + 'ask_what_is_missing; echo "GOT $DOMAIN $CERTIFICATE $DATABASE $ADMIN_EMAIL"'
LONGEST_SECONDS = 20


def answer(lines: list[str]) -> str:
    """Type lines into a terminal, each when something was asked; return all that was shown."""
    outer, inner = pty.openpty()
    with subprocess.Popen(
        ["bash", "-c", ASK], stdin=inner, stdout=inner, stderr=inner, close_fds=True
    ) as shell:
        os.close(inner)
        shown, waiting, deadline = "", list(lines), time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            if not select.select([outer], [], [], 0.3)[0]:
                continue
            try:
                shown += os.read(outer, 4096).decode()
            except OSError:  # the shell has ended
                break
            if shown.endswith(": ") and waiting:
                os.write(outer, f"{waiting.pop(0)}\n".encode())
        shell.kill()
    os.close(outer)
    return shown


def test_what_cannot_be_used_is_asked_again() -> None:
    shown = answer(
        ["not a host", "medical.example.org", "selfsigned", "self-signed", "", "me@", "me@x.org"]
    )
    assert "GOT medical.example.org self-signed local me@x.org" in shown
    assert shown.count("Domain name that people will open") == 2
    assert "DOMAIN is not the name of a host" in shown
    assert "CERTIFICATE must be certbot, own or self-signed." in shown
    assert "ADMIN_EMAIL is not an e-mail address." in shown


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DOMAIN", "localhost", "DOMAIN is not the name of a host"),
        ("ADMIN_EMAIL", "me@ward.local", "under a name that is not for mail"),
        ("ACME_EMAIL", "nobody", "ACME_EMAIL is not an e-mail address"),
        ("DATABASE", "postgres", "DATABASE must be local or remote"),
        ("FIREWALL", "maybe", "FIREWALL must be yes or no"),
        ("DATABASE_URL_FILE", "/no/such/file", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(name: str, value: str, said: str) -> None:
    script = f"{SHELL}{name}='{value}'; problem_of {name}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert said in done.stdout
    assert value not in done.stdout.replace(name, "")
