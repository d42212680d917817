"""Attempts per client, counted in the database so that every process sees the same number."""

import hashlib
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from uuid import UUID

from sqlalchemy import Executable, case, delete, select, update
from sqlalchemy.orm import Session

from medical_ai.auth.models import ThrottleWindow
from medical_ai.core import clock
from medical_ai.core.database import Database, database_of, rows_changed, upsert
from medical_ai.core.errors import TooManyRequests

WINDOW = timedelta(minutes=1)
CODE_LIMITS = {
    "code-day": (50, timedelta(hours=20)),
    "code-10m": (15, timedelta(minutes=10)),
    "code-30s": (5, timedelta(seconds=30)),
}
"""Tries at one account's codes: the longer somebody guesses, the longer the waits. The longest
comes first, so that what a shorter one refuses counts for it, too."""
IPV6_HOUSEHOLD_BITS = 64
"""One subscriber has at least this much of IPv6 to himself (RFC 6177)."""


def count_attempt(
    database: Database, *, scope: str, subject: str, limit: int, window: timedelta = WINDOW
) -> None:
    """Count one attempt in its own transaction, so that a refusal later cannot undo it.

    `limit` is the number of attempts admitted in the window that the first one opens. Raises
    TooManyRequests with the seconds until that window is over.
    """
    if database.settings.ratelimit_enabled:
        with database.unit_of_work() as session:
            _count(session, scope, subject, limit, window)


def forgive_attempt(session: Session, *, scope: str, subject: str) -> None:
    """Take one counted attempt back, for it was a right one: a ward behind one address signs in.

    One alone: whoever has an account of their own gains no tries at others by signing in.
    """
    mine = (ThrottleWindow.scope == scope, ThrottleWindow.subject == _digest(subject))
    taken_back = update(ThrottleWindow).where(*mine, ThrottleWindow.attempts > 0)
    rows_changed(session, taken_back.values(attempts=ThrottleWindow.attempts - 1))


def count_code(session: Session, user_id: UUID) -> None:
    """Count one try at an account's second factor or password, in the caller's transaction.

    Raises TooManyRequests. Whoever refuses a code after it must raise an error that keeps work,
    or the try would be forgotten.
    """
    if database_of(session).settings.ratelimit_enabled:
        for scope, (limit, window) in CODE_LIMITS.items():
            _count(session, scope, str(user_id), limit, window)


def forgive_codes(session: Session, user_id: UUID) -> None:
    """Forget an account's wrong codes, since the right one came."""
    wrong = delete(ThrottleWindow).where(
        ThrottleWindow.scope.in_(CODE_LIMITS), ThrottleWindow.subject == _digest(str(user_id))
    )
    rows_changed(session, wrong)


def too_many(seconds: int) -> TooManyRequests:
    """Return the refusal that says how long to wait."""
    return TooManyRequests(
        f"Too many attempts. Please wait {seconds} seconds.", retry_after_seconds=seconds
    )


def network_of(address: str, *, ipv4_bits: int = 32) -> str:
    """Return the network an address stands for: whoever has IPv6 has addresses without end."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    bits = ipv4_bits if isinstance(parsed, IPv4Address) else IPV6_HOUSEHOLD_BITS
    return str(ip_network((parsed, bits), strict=False))


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()


def _count(session: Session, scope: str, subject: str, limit: int, window: timedelta) -> None:
    digest = _digest(subject)
    session.execute(_counted(database_of(session), scope, digest, window))
    row = session.execute(
        select(ThrottleWindow.attempts, ThrottleWindow.opened_at).where(
            ThrottleWindow.scope == scope, ThrottleWindow.subject == digest
        )
    ).one()
    if row.attempts > limit:
        left = (row.opened_at + window - clock.now()).total_seconds()
        raise too_many(max(1, int(left) + 1))


def _counted(database: Database, scope: str, digest: str, window: timedelta) -> Executable:
    now = clock.now()
    is_over = ThrottleWindow.opened_at <= now - window
    values = {"scope": scope, "subject": digest, "opened_at": now, "attempts": 1}
    # In this order: the first must still see when the window was opened.
    changed = [
        ("attempts", case((is_over, 1), else_=ThrottleWindow.attempts + 1)),
        ("opened_at", case((is_over, now), else_=ThrottleWindow.opened_at)),
    ]
    return upsert(database, ThrottleWindow, values, changed)
