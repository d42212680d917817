"""An installation in a folder: settings, secrets, data, and made-up programs of the host."""

import grp
import os
import pwd
import secrets
import subprocess
import sys
import sysconfig
from base64 import b64encode
from pathlib import Path

import pytest

from medical_ai.core.config import Settings
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.layout import Layout

ROOT = Path(__file__).resolve().parents[2]
NAME = "medical.example.org"


class Installation:
    """What `deploy/install.sh` leaves behind, as far as commands look at it."""

    def __init__(self, root: Path, *, user: str = "root") -> None:
        self.root, self.user = root, user
        self.layout = Layout(root=root, user=user)
        for folder, mode in (
            ("etc/medical-ai", 0o755),
            ("etc/medical-ai/secrets", 0o700),
            ("var/lib/medical-ai", 0o700),
            ("var/lib/medical-ai-edge", 0o750),
            ("programs", 0o755),
        ):
            (root / folder).mkdir(parents=True)
            (root / folder).chmod(mode)
        self.data = root / "var/lib/medical-ai"
        self.env_file = root / "etc/medical-ai/medical-ai.env"
        self.write_settings()
        for name in ("secret_key", "jwt_secret", "jwt_refresh_secret"):
            self.write_secret(name, secrets.token_urlsafe(48))
        self.write_secret("encryption_keys", b64encode(secrets.token_bytes(32)).decode())

    def write_settings(self, *lines: str, public_url: str = f"https://{NAME}") -> None:
        """Write the settings' file."""
        own = (f"PUBLIC_URL={public_url}", f"DATA_DIR={self.data}", "LOG_LEVEL=ERROR")
        self.env_file.write_text("\n".join([*own, *lines, ""]))
        self.env_file.chmod(0o640)

    def write_secret(self, name: str, value: str) -> None:
        """Write one secret."""
        file = self.layout.secrets / name
        file.write_text(f"{value}\n")
        file.chmod(0o600)

    def secret(self, name: str) -> str:
        """Return one secret."""
        return (self.layout.secrets / name).read_text().strip()

    def add_program(self, name: str, script: str) -> None:
        """Let the host have a program: a few lines of shell."""
        add_program(self.root / "programs", name, script)

    def run(
        self, *arguments: str, code: int | None = 0, as_user: str | None = None, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run `medical-ai` as a process of its own, and check how it ended."""
        python, packages = readable_python()
        inherited = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        environment = inherited | {
            "PATH": f"{self.root / 'programs'}:{os.environ['PATH']}",
            "MEDICAL_AI_ROOT": str(self.root),
            "MEDICAL_AI_USER": self.user,
            "PYTHONPATH": packages,
        }
        done = subprocess.run(
            [python, "-m", "medical_ai.ops.cli", *arguments],
            cwd=ROOT,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            user=as_user,
            group=as_user and grp.getgrgid(pwd.getpwnam(as_user).pw_gid).gr_name,
            extra_groups=[] if as_user else None,
        )
        assert code in (None, done.returncode), f"{done.returncode}: {done.stdout}{done.stderr}"
        return done

    def create_tables(self) -> None:
        """Make the embedded database."""
        environment = os.environ | {
            "ENV_FILE": str(self.env_file),
            "SECRETS_PREFIX": f"{self.layout.secrets}/",
        }
        subprocess.run(
            [sys.executable, "db.py"], cwd=ROOT, env=environment, check=True, capture_output=True
        )


def readable_python() -> tuple[str, str]:
    """Return a Python that users other than root may run, and where its packages are.

    Root's own may lie where nobody else can look.
    """
    own = Path(sys.executable).resolve()
    if os.geteuid() != 0 or all(one.stat().st_mode & 0o001 for one in (own, *own.parents)):
        return sys.executable, ""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return f"/usr/bin/{version}", sysconfig.get_path("purelib")


def add_program(folder: Path, name: str, script: str) -> None:
    """Write an executable of a few lines of shell."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def host_of(settings: Settings, root: Path, **changes: object) -> Host:
    """Return a host for checks that are called in place."""
    user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
    return Host(Layout(root=root, user=user), settings.model_copy(update=changes))


def only_programs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let this process find the programs of one folder, and the shell that runs them."""
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
