"""An honest `/health` that costs almost nothing: the database is asked at most once a second.

One request a second pays for the look; the others get its answer. The look has short timeouts of
its own and a connection of its own, so that a database that hangs is noticed as fast as one that
is gone, and never through a pool that waits.
"""

import threading
import time
from dataclasses import dataclass

from flask import json
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from medical_ai import __version__
from medical_ai.core.database import Database, mariadb_connect_args
from medical_ai.ops.heartbeat import ReminderHealth, read_reminder_health

FRESH_SECONDS = 1.0
PROBE_TIMEOUT_SECONDS = 1
HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """An answer ready to send."""

    status: int
    body: bytes
    looked_at: float


class HealthProbe:
    """Looks at the database for one process; safe to ask from many threads."""

    def __init__(self, database: Database) -> None:
        self._engine = _probe_engine(database)
        self._looking = threading.Lock()
        self._last = Health(503, _body(UNHEALTHY, None), 0.0)

    def read(self) -> Health:
        """Return the present health, at most about a second old."""
        last = self._last
        if time.monotonic() - last.looked_at < FRESH_SECONDS:
            return last
        # The first ever asker waits for an answer; later ones get the last while one looks.
        if not self._looking.acquire(blocking=last.looked_at == 0.0):
            return last
        try:
            if time.monotonic() - self._last.looked_at >= FRESH_SECONDS:
                self._last = self._look()
        finally:
            self._looking.release()
        return self._last

    def _look(self) -> Health:
        try:
            with Session(self._engine) as session:
                reminders = read_reminder_health(session)
        except (SQLAlchemyError, OSError):
            return Health(503, _body(UNHEALTHY, None), time.monotonic())
        status = HEALTHY if reminders.status == "running" else DEGRADED
        return Health(200, _body(status, reminders), time.monotonic())


def _body(status: str, reminders: ReminderHealth | None) -> bytes:
    connected = reminders is not None
    last_tick = reminders.last_tick_at if reminders else None
    answer = {
        "status": status,
        "database": "connected" if connected else "unreachable",
        "reminders": {
            "status": reminders.status if reminders else "unknown",
            "lateness_p99_seconds": reminders.lateness_p99_seconds if reminders else None,
            "last_tick_at": last_tick.isoformat() if last_tick else None,
        },
        "version": __version__,
        "checks": {
            "database": "pass" if connected else "fail",
            "reminders": "pass" if reminders and reminders.status == "running" else "warn",
        },
    }
    return json.dumps(answer).encode()


def _probe_engine(database: Database) -> Engine:
    if database.is_sqlite:
        # A fresh connection each time: an open one does not notice that its file went away.
        return create_engine(
            database.engine.url,
            poolclass=NullPool,
            connect_args={"timeout": PROBE_TIMEOUT_SECONDS},
        )
    arguments = mariadb_connect_args(database.settings) | {
        "connect_timeout": PROBE_TIMEOUT_SECONDS,
        "read_timeout": PROBE_TIMEOUT_SECONDS,
        "write_timeout": PROBE_TIMEOUT_SECONDS,
    }
    return create_engine(
        database.engine.url, pool_size=1, max_overflow=0, pool_timeout=1, connect_args=arguments
    )
