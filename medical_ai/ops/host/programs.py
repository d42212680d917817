"""Running the host's own programs: fixed arguments, no shell, and never for long."""

import os
import subprocess
from dataclasses import dataclass

SECONDS = 5.0
SYSTEM_PLACES = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where nginx and its like are; a timer's or an ordinary user's PATH leaves them out."""


class ProgramMissing(Exception):
    """The program is not installed on this host."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended and what it said, on both its outputs."""

    code: int
    out: str

    @property
    def last_line(self) -> str:
        """The last thing it said."""
        return next((line for line in reversed(self.out.splitlines()) if line.strip()), "")


def run(*command: str, seconds: float = SECONDS) -> Ran:
    """Run a program and return what came of it. Raises ProgramMissing and TimeoutError."""
    path = f"{os.environ.get('PATH', '/usr/bin:/bin')}:{SYSTEM_PLACES}"
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours, and there is no shell
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PATH": path, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
        )
    except FileNotFoundError:
        raise ProgramMissing(command[0]) from None
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{command[0]} gave no answer in {seconds:g} seconds") from None
    return Ran(done.returncode, done.stdout)


def show_unit(unit: str, *properties: str) -> dict[str, str]:
    """Return properties of a systemd unit. Raises ProgramMissing where there is no systemd."""
    ran = run("systemctl", "show", unit, f"--property={','.join(properties)}")
    if ran.code != 0:
        raise ProgramMissing("systemctl")
    return dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line)
