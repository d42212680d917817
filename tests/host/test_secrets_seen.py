"""Secrets that are replaced, saved or used by an operator's command are never on a command line."""

import pytest

from tests.host.conftest import until_healthy
from tests.host.machine import Machine
from tests.host.watching import watched

pytestmark = pytest.mark.long


def test_commands_show_none(host: Machine) -> None:
    with watched(host) as watch:
        watch.note_secrets(host)
        for command in ("rotate-secrets all", "rotate-keys", "backup", "verify", "doctor"):
            # The certificate may be of an authority that browsers do not know.
            host.run(f"medical-ai {command}", check=command not in {"verify", "doctor"})
            watch.note_secrets(host)
        host.run("systemctl start medical-ai-restore-check.service")
        host.run("/opt/medical-ai/current/deploy/install.sh")
        until_healthy(host)
        host.run("medical-ai rotate-secrets --finish --now")
    assert watch.found() == []


def test_one_that_is_shown_would_be_found(host: Machine) -> None:
    with watched(host) as watch:
        host.run(
            "python3 -c 'import time; time.sleep(1)' $(cat /etc/medical-ai/secrets/jwt_secret)"
        )
    assert len(watch.found()) == 1
