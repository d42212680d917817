"""What systemd hears from web and worker: that they are ready, and that they still get somewhere.

Outside systemd, or where it does not watch, nothing happens here.
"""

import http.client
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence

from gunicorn.systemd import sd_notify

ASKED_PER_PERIOD = 3
"""How often within WatchdogSec= there is a sign of life."""
RETRY_SECONDS = 1.0
"""How far apart two questions are at least where nobody answers."""

_log = logging.getLogger("medical_ai.watchdog")


def tell_ready() -> None:
    """Say that start-up is over."""
    sd_notify("READY=1", _log)


def tell_alive() -> None:
    """Say that there was progress; silence for WatchdogSec= makes systemd start afresh."""
    sd_notify("WATCHDOG=1", _log)


def tell_stopping() -> None:
    """Say that the stop was heard."""
    sd_notify("STOPPING=1", _log)


def watch_web(listeners: Sequence[socket.socket]) -> None:
    """Start to ask our own address for life, and pass the answer on, until the process ends.

    Runs beside gunicorn's arbiter. It takes one answer within the whole of WatchdogSec=, so that
    load alone never makes systemd restart what works.
    """
    period = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    if period:
        threading.Thread(
            target=_keep_asking, args=(listeners[0], period), name="watchdog", daemon=True
        ).start()


def _keep_asking(listener: socket.socket, period: float) -> None:
    pause = period / ASKED_PER_PERIOD
    while True:
        began = time.monotonic()
        if is_answering(listener, timeout_seconds=pause):
            tell_alive()
            time.sleep(pause)
        else:
            # No third of the period is spent on waiting: whoever was busy may be free by now.
            time.sleep(max(0.0, RETRY_SECONDS - (time.monotonic() - began)))


def is_answering(listener: socket.socket, *, timeout_seconds: float) -> bool:
    """Tell whether whoever listens there answers that it lives."""
    try:
        with socket.socket(listener.family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(listener.getsockname())
            connection.sendall(
                b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return answer.status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
