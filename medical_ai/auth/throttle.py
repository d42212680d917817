"""Attempts per client, counted in the database so that every process sees the same number."""

import hashlib
from datetime import timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.auth.models import ThrottleWindow
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import TooManyRequests

WINDOW = timedelta(minutes=1)


def count_attempt(database: Database, *, scope: str, subject: str, limit: int) -> None:
    """Count one attempt in its own transaction, so that a refusal later cannot undo it.

    `limit` is the number of attempts admitted in the minute that the first one opens. Raises
    TooManyRequests with the seconds until that minute is over.
    """
    if not database.settings.ratelimit_enabled:
        return
    digest = hashlib.sha256(subject.encode()).hexdigest()
    with database.unit_of_work() as session:
        if not (_add_to_open(session, scope, digest) or _reopen(session, scope, digest)):
            _open(session, scope, digest)
        row = session.execute(
            select(ThrottleWindow.attempts, ThrottleWindow.opened_at).where(
                ThrottleWindow.scope == scope, ThrottleWindow.subject == digest
            )
        ).one()
    if row.attempts > limit:
        left = (row.opened_at + WINDOW - clock.now()).total_seconds()
        raise TooManyRequests(
            "Too many attempts. Please wait a moment.", retry_after_seconds=max(1, int(left) + 1)
        )


def _add_to_open(session: Session, scope: str, digest: str) -> bool:
    result = session.execute(
        update(ThrottleWindow)
        .where(
            ThrottleWindow.scope == scope,
            ThrottleWindow.subject == digest,
            ThrottleWindow.opened_at > clock.now() - WINDOW,
        )
        .values(attempts=ThrottleWindow.attempts + 1)
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has one


def _reopen(session: Session, scope: str, digest: str) -> bool:
    result = session.execute(
        update(ThrottleWindow)
        .where(
            ThrottleWindow.scope == scope,
            ThrottleWindow.subject == digest,
            ThrottleWindow.opened_at <= clock.now() - WINDOW,
        )
        .values(attempts=1, opened_at=clock.now())
    )
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE has one


def _open(session: Session, scope: str, digest: str) -> None:
    try:
        with session.begin_nested():
            session.execute(
                insert(ThrottleWindow).values(
                    scope=scope, subject=digest, opened_at=clock.now(), attempts=1
                )
            )
    except IntegrityError:  # a parallel attempt opened the window between our look and insert
        _add_to_open(session, scope, digest)
