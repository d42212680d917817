"""Restarting the service so that nobody notices, and waiting until it answers again.

A reload would not do: systemd hands secrets over when a unit starts. The socket stays open
meanwhile, and requests wait in it; so the next restart must not begin before they were answered.
"""

import http.client
import socket
import time
from datetime import datetime, timedelta
from pathlib import Path

from medical_ai.core import clock
from medical_ai.ops.host.layout import SERVICES
from medical_ai.ops.host.programs import ProgramMissing, run, show_unit

RESTART_SECONDS = 120.0
ANSWER_SECONDS = 90.0
OK = 200
IS_BACK = "The service was restarted and has the new ones."
IS_OFF = "The service does not run. It has the new ones when it starts."


class NotRestarted(Exception):
    """Why the service is not back."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def restart(web_socket: Path) -> str:
    """Restart web and worker where they run; return what to say.

    Raises NotRestarted, and ProgramMissing where there is no systemd.
    """
    ran = run("systemctl", "try-restart", *SERVICES, seconds=RESTART_SECONDS)
    if ran.code != 0:
        raise NotRestarted(ran.last_line)
    try:
        status = _ask(web_socket)
    except (FileNotFoundError, ConnectionRefusedError):
        return IS_OFF
    except (OSError, http.client.HTTPException) as error:
        raise NotRestarted(f"no answer from the web process ({type(error).__name__})") from None
    if status != OK:
        raise NotRestarted(f"the web process answers {status}")
    return IS_BACK


def find_older(moment: datetime) -> list[str]:
    """Return the services that have run since before a moment, with the secrets of then."""
    try:
        started = {unit: _started_at(unit) for unit in SERVICES}
    except ProgramMissing:
        return []
    return [unit for unit, at in started.items() if at is not None and at < moment]


def _started_at(unit: str) -> datetime | None:
    shown = show_unit(unit, "ActiveState", "ExecMainStartTimestampMonotonic")
    since_boot = int(shown.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    if shown.get("ActiveState") != "active" or not since_boot:
        return None
    return clock.now() - timedelta(seconds=time.monotonic() - since_boot)


def _ask(web_socket: Path) -> int:
    connection = _Connection(web_socket)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    finally:
        connection.close()
