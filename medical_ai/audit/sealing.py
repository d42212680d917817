"""Sealing events into the chain, a batch at a time. Any number of workers may try.

Whoever inserts a block's number first has sealed it. Events commit in other order than their ids:
one that commits late is sealed in a later block.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.audit.chain import (
    FIRST_PREVIOUS,
    SEALED_COLUMNS,
    Block,
    find_head,
    sealed_values,
    spell_moment,
)
from medical_ai.audit.models import AuditBlock, AuditEvent, AuditSeal
from medical_ai.audit.signing import keys_of
from medical_ai.audit.verifier import FORM, digest_of, leaf_of, root_of
from medical_ai.core import clock
from medical_ai.core.database import Database

BLOCK_SIZE = 1000
"""A patient's proof reads its whole block, so blocks stay small."""
LOOK_BACK_MS = 120_000
"""How far behind the newest sealed event others may still commit; longer than any request lives."""
TOO_LONG = timedelta(minutes=5)
"""An event that is not sealed by now is reported."""
HEALTH_LOOKS_AT = 20
_ID_RANDOM_BITS = 80


def seal(database: Database, *, sweep: bool = False) -> int:
    """Seal one batch of events and return how many, 0 where another worker was faster.

    Looks at what came since the newest sealed event, and a little before; a `sweep` looks at
    everything.
    """
    return _seal(database, _start(database, sweep=sweep))[0]


def seal_all(database: Database, *, sweep: bool = False) -> int:
    """Seal until nothing is left, or another worker is doing it; return how many."""
    since, total = _start(database, sweep=sweep), 0
    while True:
        # Each batch goes on where the one before ended: looking back every time would read what
        # a burst has brought again and again.
        sealed, since = _seal(database, since)
        total += sealed
        if not sealed:
            return total


def _seal(database: Database, since: UUID | None) -> tuple[int, UUID | None]:
    # Nothing is locked while this reads and computes.
    with database.reading() as session:
        head = find_head(session)
        found = session.execute(_select_unsealed(since)).all()
    if not found:
        return 0, since
    leaves = [leaf_of(sealed_values(row)) for row in found]
    block = _block_after(database, head, leaves)
    seals = [
        {"event_id": UUID(row.id), "block": block["number"], "position": position, "leaf": leaf}
        for position, (row, leaf) in enumerate(zip(found, leaves, strict=True))
    ]
    try:
        with database.unit_of_work() as session:
            session.execute(insert(AuditBlock), [block])
            session.execute(insert(AuditSeal), seals)
    except IntegrityError:  # another worker sealed this number
        return 0, since
    return len(seals), seals[-1]["event_id"]


def _start(database: Database, *, sweep: bool) -> UUID | None:
    with database.reading() as session:
        head = find_head(session)
        return None if sweep or head is None else _look_back(session, head)


def is_unsealed() -> ColumnElement[bool]:
    """Return the condition that an event has no seal."""
    return ~exists().where(AuditSeal.event_id == AuditEvent.id)


def count_unsealed(session: Session) -> int:
    """Return how many events have waited for their seal for too long."""
    is_late = AuditEvent.at < clock.now() - TOO_LONG
    return session.scalar(select(func.count()).where(is_unsealed(), is_late)) or 0


def is_keeping_up(session: Session) -> bool:
    """Tell whether the newest of the events that should be sealed are; cheap, for probes."""
    due = (
        select(AuditEvent.id)
        .where(AuditEvent.at < clock.now() - TOO_LONG)
        .order_by(AuditEvent.at.desc())
        .limit(HEALTH_LOOKS_AT)
        .subquery()
    )
    unsealed = select(func.count()).where(~exists().where(AuditSeal.event_id == due.c.id))
    return session.scalar(unsealed.select_from(due)) == 0


def sealing_lag_seconds(session: Session) -> float:
    """Return the age of the first event after the newest sealed one; cheap, for probes.

    What commits late and stays unsealed behind it, `count_unsealed` finds.
    """
    head = find_head(session)
    query = select(AuditEvent.at).where(is_unsealed())
    if head is not None:
        query = query.where(AuditEvent.id > _newest_sealed(session, head))
    waiting_since = session.scalar(query.order_by(AuditEvent.id).limit(1))
    return (clock.now() - waiting_since).total_seconds() if waiting_since else 0.0


def _select_unsealed(since: UUID | None) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(*SEALED_COLUMNS).where(is_unsealed())
    if since is not None:
        query = query.where(AuditEvent.id > since)
    return query.order_by(AuditEvent.id).limit(BLOCK_SIZE)


def _newest_sealed(session: Session, head: Block) -> UUID | None:
    last = select(AuditSeal.event_id).where(AuditSeal.block == head.number)
    return session.scalar(last.order_by(AuditSeal.position.desc()).limit(1))


def _look_back(session: Session, head: Block) -> UUID:
    newest = _newest_sealed(session, head)
    # An id from a clock that is ahead must not hide what comes until then. Ids that a process makes
    # never go back, so that a new one would not tell that the clock was set back.
    reached = int(clock.now().timestamp() * 1000)
    if newest is not None:
        reached = min(reached, newest.int >> _ID_RANDOM_BITS)
    return UUID(int=max(0, reached - LOOK_BACK_MS) << _ID_RANDOM_BITS)


def _block_after(database: Database, head: Block | None, leaves: list[bytes]) -> dict[str, Any]:
    number, previous = (head.number + 1, head.digest) if head else (1, FIRST_PREVIOUS)
    root, sealed_at = root_of(leaves), clock.now()
    digest = digest_of(number, previous, root, len(leaves), spell_moment(sealed_at))
    signature = keys_of(database.settings).sign(digest)
    return {
        "number": number,
        "form": FORM,
        "previous": previous,
        "root": root,
        "size": len(leaves),
        "sealed_at": sealed_at,
        "digest": digest,
        "key_id": signature.key_id,
        "signature": signature.value,
    }
