"""Attempts per client, counted in the database so that every process sees the same number."""

import hashlib
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import Executable, case, select

from medical_ai.auth.models import ThrottleWindow
from medical_ai.core import clock
from medical_ai.core.database import Database, upsert
from medical_ai.core.errors import TooManyRequests

WINDOW = timedelta(minutes=1)
IPV6_HOUSEHOLD_BITS = 64
"""One subscriber has at least this much of IPv6 to himself (RFC 6177)."""


def count_attempt(
    database: Database, *, scope: str, subject: str, limit: int, window: timedelta = WINDOW
) -> None:
    """Count one attempt in its own transaction, so that a refusal later cannot undo it.

    `limit` is the number of attempts admitted in the window that the first one opens. Raises
    TooManyRequests with the seconds until that window is over.
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
        left = (row.opened_at + window - clock.now()).total_seconds()
        raise too_many(max(1, int(left) + 1))


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
