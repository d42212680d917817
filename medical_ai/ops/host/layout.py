"""Where an installation keeps its things; `MEDICAL_AI_ROOT` names another root than `/`."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

SERVICES = ("medical-ai.service", "medical-ai-worker.service")
TIMERS = (
    "medical-ai-backup.timer",
    "medical-ai-restore-check.timer",
    "medical-ai-cert-check.timer",
)
SOCKET = "medical-ai.socket"
RELEASE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Layout:
    """The paths of one installation, and whose it is."""

    root: Path
    user: str

    @cached_property
    def etc(self) -> Path:
        """The folder of settings and secrets."""
        return self.root / "etc/medical-ai"

    @cached_property
    def env_file(self) -> Path:
        """The settings."""
        return Path(os.environ.get("ENV_FILE") or self.etc / "medical-ai.env")

    @cached_property
    def secrets(self) -> Path:
        """The folder with a file for each secret."""
        return self.etc / "secrets"

    @cached_property
    def owner(self) -> Path:
        """The folder with the URL of the database's owner, which the service never gets."""
        return self.etc / "owner"

    @cached_property
    def logs(self) -> Path:
        """The folder of the access log."""
        return self.root / "var/log/medical-ai"

    @cached_property
    def backups(self) -> Path:
        """The backup repository on this host; it may be elsewhere."""
        return self.root / "var/backups/medical-ai"

    @cached_property
    def maintenance(self) -> Path:
        """The file whose presence lets nginx answer that the service is being looked after."""
        return self.root / "var/lib/medical-ai-edge/maintenance"

    @cached_property
    def web_socket(self) -> Path:
        """The socket on which the web process answers nginx."""
        return self.root / "run/medical-ai/web.sock"

    def certificate(self, public_url: str) -> Path:
        """Return where the certificate for the installation's address lies."""
        domain = urlsplit(public_url).hostname or "localhost"
        return self.root / "etc/letsencrypt/live" / domain / "fullchain.pem"

    def private_key(self, public_url: str) -> Path:
        """Return where the certificate's key lies."""
        return self.certificate(public_url).with_name("privkey.pem")


def find_layout() -> Layout:
    """Return where the installation on this host is."""
    return Layout(
        root=Path(os.environ.get("MEDICAL_AI_ROOT", "/")),
        user=os.environ.get("MEDICAL_AI_USER", "medical-ai"),
    )
