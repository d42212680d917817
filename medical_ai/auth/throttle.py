"""Attempts per client, counted in the database so that every process sees the same number."""

import hashlib
from datetime import timedelta

from sqlalchemy import Executable, case, select
from sqlalchemy.dialects import mysql, sqlite

from medical_ai.auth.models import ThrottleWindow
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import TooManyRequests

WINDOW = timedelta(minutes=1)


def count_attempt(
    database: Database, *, scope: str, subject: str, limit: int, window: timedelta = WINDOW
) -> None:
    """Count one attempt in its own transaction, so that a refusal later cannot undo it.

    `limit` is the number of attempts admitted in the window, a minute, that the first one opens.
    Raises TooManyRequests with the seconds until that window is over.
    """
    if not database.settings.ratelimit_enabled:
        return
    digest = hashlib.sha256(subject.encode()).hexdigest()
    with database.unit_of_work() as session:
        session.execute(_counted(database, scope, digest, window))
        row = session.execute(
            select(ThrottleWindow.attempts, ThrottleWindow.opened_at).where(
                ThrottleWindow.scope == scope, ThrottleWindow.subject == digest
            )
        ).one()
    if row.attempts > limit:
        left = max(1, int((row.opened_at + window - clock.now()).total_seconds()) + 1)
        raise TooManyRequests(
            f"Too many attempts. Please wait {left} seconds.", retry_after_seconds=left
        )


def _counted(database: Database, scope: str, digest: str, window: timedelta) -> Executable:
    # One statement that opens, reopens or counts: look-then-insert ends in deadlocks on MariaDB
    # when the first attempts of an address come at the same moment.
    now = clock.now()
    is_over = ThrottleWindow.opened_at <= now - window
    values = {"scope": scope, "subject": digest, "opened_at": now, "attempts": 1}
    # MariaDB assigns in this order, and the first must still see when the window was opened.
    changed = [
        ("attempts", case((is_over, 1), else_=ThrottleWindow.attempts + 1)),
        ("opened_at", case((is_over, now), else_=ThrottleWindow.opened_at)),
    ]
    if database.is_sqlite:
        opened = sqlite.insert(ThrottleWindow).values(values)
        return opened.on_conflict_do_update(set_=dict(changed))
    return mysql.insert(ThrottleWindow).values(values).on_duplicate_key_update(changed)
