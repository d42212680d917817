"""An honest `/health`: the database is asked each time, and given one second to answer.

How often that is, `ops.microcache` decides. The look has a connection and short timeouts of its
own, so that a database that hangs is noticed as fast as one that is gone, and never through a
pool that waits.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import json
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from medical_ai import __version__
from medical_ai.audit.sealing import is_keeping_up
from medical_ai.core.database import Database, mariadb_connect_args
from medical_ai.ops.backups.service import PASS, WARN, LastRuns, last_runs
from medical_ai.ops.heartbeat import ReminderHealth, read_reminder_health

PROBE_TIMEOUT_SECONDS = 1
HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
BLOCK_BYTES = 512
"""Bodies are filled up to a multiple of this; the longest without filling has some 430."""


@dataclass(frozen=True, slots=True)
class Health:
    """An answer ready to send: the HTTP status and the JSON."""

    status: int
    body: bytes


class HealthProbe:
    """Looks at the database for one process; safe to ask from many threads."""

    def __init__(self, database: Database) -> None:
        self._engine = _probe_engine(database)

    def open_session(self) -> Session:
        """Open a session that waits for nothing longer than a second; the caller closes it."""
        return Session(self._engine)

    def look(self) -> Health:
        """Return the present health, within about a second."""
        try:
            with self.open_session() as session:
                found = _Found(
                    read_reminder_health(session), last_runs(session), is_keeping_up(session)
                )
        except (SQLAlchemyError, OSError):
            return Health(503, _body(UNHEALTHY, NOTHING, database="unreachable"))
        checks = found.checks()
        status = HEALTHY if set(checks.values()) == {PASS} else DEGRADED
        return Health(200, _body(status, found, database="connected"))


@dataclass(frozen=True, slots=True)
class _Found:
    reminders: ReminderHealth
    runs: LastRuns
    is_sealed: bool

    def checks(self) -> dict[str, str]:
        """Return what is well and what is not, beside the database itself."""
        return {
            "reminders": _pass_if(self.reminders.status == "running"),
            "audit": _pass_if(self.is_sealed),
            "backup": self.runs.backup,
            "restore_proof": self.runs.restore_proof,
        }


NOTHING = _Found(
    ReminderHealth("unknown", None, None), LastRuns(False, None, None, WARN, WARN), False
)
"""What is known while the database is away."""


def _body(status: str, found: _Found, *, database: str) -> bytes:
    late = found.reminders.lateness_p99_seconds
    answer = {
        "status": status,
        "database": database,
        "reminders": {
            "status": found.reminders.status,
            "lateness_p99_seconds": None if late is None else round(late, 1),
            "last_tick_at": _spell(found.reminders.last_tick_at),
        },
        "backups": {
            "last_backup_at": _spell(found.runs.backup_at),
            "last_restore_proof_at": _spell(found.runs.proof_at),
        },
        "version": __version__,
        "checks": {"database": PASS if database == "connected" else "fail"} | found.checks(),
    }
    body = json.dumps(answer).encode()
    # Every answer is as long as the one before, or a load test takes it for a failed one: a value
    # that comes, goes or grows must not show in the length. Blanks after JSON mean nothing.
    return body.ljust((len(body) // BLOCK_BYTES + 1) * BLOCK_BYTES - 1) + b"\n"


def _pass_if(is_well: bool) -> str:
    return PASS if is_well else WARN


def _spell(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _probe_engine(database: Database) -> Engine:
    # A fresh connection each time: an open one does not notice that SQLite's file went away, or
    # that MariaDB takes no new ones.
    if database.is_sqlite:
        arguments: dict[str, Any] = {"timeout": PROBE_TIMEOUT_SECONDS}
        return create_engine(database.engine.url, poolclass=NullPool, connect_args=arguments)
    arguments = mariadb_connect_args(database.settings) | {
        "connect_timeout": PROBE_TIMEOUT_SECONDS,
        "read_timeout": PROBE_TIMEOUT_SECONDS,
        "write_timeout": PROBE_TIMEOUT_SECONDS,
    }
    return create_engine(database.engine.url, poolclass=NullPool, connect_args=arguments)
