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
from medical_ai.ops.backups.service import PASS, LastRuns, last_runs
from medical_ai.ops.heartbeat import ReminderHealth, read_reminder_health

PROBE_TIMEOUT_SECONDS = 1
HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"


@dataclass(frozen=True, slots=True)
class Health:
    """An answer ready to send: the HTTP status and the JSON."""

    status: int
    body: bytes


class HealthProbe:
    """Looks at the database for one process; safe to ask from many threads."""

    def __init__(self, database: Database) -> None:
        self._engine = _probe_engine(database)

    def look(self) -> Health:
        """Return the present health, within about a second."""
        try:
            with Session(self._engine) as session:
                reminders = read_reminder_health(session)
                is_sealed = is_keeping_up(session)
                runs = last_runs(session)
        except (SQLAlchemyError, OSError):
            return Health(503, _body(UNHEALTHY, None, None))
        is_well = reminders.status == "running" and is_sealed
        is_well = is_well and (runs.backup, runs.restore_proof) == (PASS, PASS)
        status = HEALTHY if is_well else DEGRADED
        return Health(200, _body(status, reminders, runs, is_sealed=is_sealed))


def _body(
    status: str,
    reminders: ReminderHealth | None,
    runs: LastRuns | None,
    *,
    is_sealed: bool = False,
) -> bytes:
    connected = reminders is not None
    answer = {
        "status": status,
        "database": "connected" if connected else "unreachable",
        "reminders": {
            "status": reminders.status if reminders else "unknown",
            "lateness_p99_seconds": reminders.lateness_p99_seconds if reminders else None,
            "last_tick_at": _spell(reminders.last_tick_at if reminders else None),
        },
        "backups": {
            "last_backup_at": _spell(runs.backup_at if runs else None),
            "last_restore_proof_at": _spell(runs.proof_at if runs else None),
        },
        "version": __version__,
        "checks": {
            "database": "pass" if connected else "fail",
            "reminders": "pass" if reminders and reminders.status == "running" else "warn",
            "audit": "pass" if is_sealed else "warn",
            "backup": runs.backup if runs else "warn",
            "restore_proof": runs.restore_proof if runs else "warn",
        },
    }
    return json.dumps(answer).encode()


def _spell(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


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
