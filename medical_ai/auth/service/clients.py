"""Clients an account knows: browsers and networks it was opened from before.

A browser is known by a random name in a cookie, a network by its prefix. Only hashes are kept, and
being known opens nothing: it is a budget of one's own for wrong passwords.
"""

import hashlib
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from medical_ai.auth.models import KnownClient
from medical_ai.auth.throttle import network_of
from medical_ai.core import clock
from medical_ai.core.database import database_of, rows_changed, upsert

NOBODY = UUID(int=0)
KNOWN_FOR = timedelta(days=180)
IPV4_NEIGHBOURS_BITS = 24


def find_mark(session: Session, *, user_id: UUID | None, address: str, device: str) -> str | None:
    """Return the mark by which an account knows a client, its browser before its network."""
    marks = _marks(address, device)
    # Nobody is asked for like somebody: the same statement, so the same time.
    query = select(KnownClient.mark).where(
        KnownClient.user_id == (user_id or NOBODY), KnownClient.mark.in_(marks)
    )
    known = set(session.scalars(query))
    return next((mark for mark in marks if mark in known), None)


def is_device(mark: str | None, device: str) -> bool:
    """Tell whether a mark is that of the browser, and not merely of its network."""
    return bool(device) and mark == _mark("device", device)


def remember_client(session: Session, *, user_id: UUID, address: str, device: str) -> None:
    """Let an account know the client that opened it."""
    now = clock.now()
    for mark in _marks(address, device):
        row = {"user_id": user_id, "mark": mark, "last_seen_at": now}
        session.execute(upsert(database_of(session), KnownClient, row, [("last_seen_at", now)]))


def forget_clients(session: Session) -> int:
    """Forget clients that were not seen for long; return how many."""
    return rows_changed(
        session, delete(KnownClient).where(KnownClient.last_seen_at < clock.now() - KNOWN_FOR)
    )


def _marks(address: str, device: str) -> list[str]:
    network = _mark("network", network_of(address, ipv4_bits=IPV4_NEIGHBOURS_BITS))
    return [_mark("device", device), network] if device else [network]


def _mark(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()
