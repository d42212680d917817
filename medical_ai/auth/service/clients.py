"""Clients an account knows: browsers, networks and kinds of device it was opened from before.

A browser is known by a random name in a cookie, a network by its prefix, a kind of device by what
it calls itself. Only hashes are kept, and being known opens nothing: it is a budget of one's own
for wrong passwords. The owner hears of a sign-in from where the account was not used before.
"""

import hashlib
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from medical_ai.auth.client_words import device_of
from medical_ai.auth.models import KnownClient, TokenFamily
from medical_ai.auth.throttle import network_of
from medical_ai.core import clock
from medical_ai.core.database import database_of, rows_changed, upsert
from medical_ai.core.events import AccountNotice, publish

NEW_SIGN_IN = "new-sign-in"
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


def greet_client(session: Session, family: TokenFamily, *, device: str) -> None:
    """Let an account know the client that opened it, and tell its owner if that is new.

    New is a network, or a kind of device, that was not seen for long. The first sign-in of all is
    not told.
    """
    is_new = remember_client(
        session,
        user_id=family.user_id,
        address=family.address,
        user_agent=family.user_agent,
        device=device,
    )
    if is_new:
        publish(session, AccountNotice(family.user_id, family.hospital_id, NEW_SIGN_IN, family.id))


def remember_client(
    session: Session, *, user_id: UUID, address: str, user_agent: str, device: str
) -> bool:
    """Let an account know a client; tell whether it knew others alone until now."""
    now = clock.now()
    browser = {_mark("device", device)} if device else set()
    seen = {*_marks(address, device), _mark("kind", device_of(user_agent))}
    known = set(session.scalars(select(KnownClient.mark).where(KnownClient.user_id == user_id)))
    for mark in sorted(seen):
        row = {"user_id": user_id, "mark": mark, "last_seen_at": now}
        session.execute(upsert(database_of(session), KnownClient, row, [("last_seen_at", now)]))
    is_known = bool(browser & known) or seen - browser <= known
    return bool(known) and not is_known


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
