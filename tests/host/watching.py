"""Whether a secret was ever to be seen on a command line, which everybody on a host can read."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.host.machine import Machine

SEEN = "/root/command-lines"
WATCHER = Path(__file__).with_name("watcher.py")
LIST = "cat /etc/medical-ai/secrets/* /etc/medical-ai/owner/* /etc/medical-ai/backup-password"
SHORTEST = 16
"""No secret of ours is shorter; shorter parts of a URL are its host and its names."""


class Watch:
    """What was seen, and the secrets there were."""

    def __init__(self) -> None:
        self.lines = ""
        self.secrets: set[str] = set()

    def note_secrets(self, host: Machine) -> None:
        """Remember the secrets of this moment: they may be replaced meanwhile."""
        for line in host.run(f"{LIST} 2>/dev/null || true").stdout.split():
            password = re.search(r"//[^:/]+:([^@]+)@", line)
            self.secrets.update(password.groups() if password else line.split(","))

    def found(self) -> list[str]:
        """Return the first letters of every secret that was to be seen."""
        assert self.lines.count("\n") > 10, self.lines
        assert self.secrets
        assert all(len(secret) >= SHORTEST for secret in self.secrets)
        return [f"{secret[:4]}…" for secret in self.secrets if secret in self.lines]


@contextlib.contextmanager
def watched(host: Machine) -> Iterator[Watch]:
    """Look at the command lines of a host as long as the block takes."""
    host.send(WATCHER, "/root")
    watch = Watch()
    host.run(f"systemd-run --quiet --unit=watcher python3 /root/watcher.py {SEEN}")
    try:
        yield watch
        watch.note_secrets(host)
    finally:
        host.run("systemctl stop watcher")
    watch.lines = host.fetch(SEEN)
