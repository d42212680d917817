"""Sealing anew, under the key ring's first key, what a former one sealed.

An envelope names its key, so the database itself finds what is left, and work that was
interrupted simply goes on. Each batch is a transaction of its own.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, func, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from medical_ai.core.crypto import KEY_ID_BYTES, VERSION, DecryptionFailed, KeyRing, place
from medical_ai.core.database import Database, database_of, rows_changed

BATCH = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some rows. `last` is where to go on; None when there are no more."""

    changed: int
    last: UUID | None


class Store(Protocol):
    """Something that depends on the key ring."""

    @property
    def name(self) -> str:
        """What an operator calls it."""

    def count_former(self, session: Session) -> int:
        """Return how much still depends on another key than the first."""

    def renew_batch(self, session: Session, after: UUID | None) -> Batch:
        """Let some of it depend on the first key."""


@dataclass(frozen=True)
class SealedColumn:
    """A column that the key ring itself seals, each cell for its own place."""

    name: str
    key: InstrumentedAttribute[UUID]
    sealed: InstrumentedAttribute[Any]
    cell: tuple[str, str]
    """What `crypto.place` was told of the table and the column."""
    only: ColumnElement[bool] | None = None
    """Which rows; the others are sealed with another key than the ring's."""

    def count_former(self, session: Session) -> int:
        """Return how many cells are sealed with a former key."""
        query = select(func.count()).where(*self._former(database_of(session).keyring))
        return session.scalar(query) or 0

    def count_unknown(self, session: Session) -> int:
        """Return how many cells are sealed with a key that is not in the ring."""
        known = database_of(session).keyring.ids
        query = select(func.count()).where(*self._sealed(), self._key_id().not_in(known))
        return session.scalar(query) or 0

    def renew_batch(self, session: Session, after: UUID | None) -> Batch:
        """Seal some cells anew. What cannot be opened stays, and is counted as left."""
        ring = database_of(session).keyring
        query = select(self.key, self.sealed).where(*self._former(ring))
        if after is not None:
            query = query.where(self.key > after)
        rows = session.execute(query.order_by(self.key).limit(BATCH)).all()
        changed = sum(self._renew(session, ring, key, envelope) for key, envelope in rows)
        return Batch(changed, rows[-1][0] if len(rows) == BATCH else None)

    def _renew(self, session: Session, ring: KeyRing, key: UUID, envelope: bytes) -> int:
        where = place(*self.cell, key)
        try:
            plain = ring.open(envelope, where)
        except DecryptionFailed:
            return 0
        # Whoever wrote the cell meanwhile has written the newer text.
        same = update(self.sealed.class_).where(self.key == key, self.sealed == envelope)
        return rows_changed(session, same.values({self.sealed: ring.seal(plain, where)}))

    def _former(self, ring: KeyRing) -> tuple[ColumnElement[bool], ...]:
        return (*self._sealed(), self._key_id() != ring.active_id)

    def _sealed(self) -> tuple[ColumnElement[bool], ...]:
        return (self.sealed.is_not(None), true() if self.only is None else self.only)

    def _key_id(self) -> ColumnElement[bytes]:
        return func.substr(self.sealed, len(VERSION) + 1, KEY_ID_BYTES, type_=LargeBinary)


def renew_all(database: Database, store: Store) -> int:
    """Let everything in a store depend on the first key; return how much was changed."""
    changed, after = 0, None
    while True:
        with database.unit_of_work() as session:
            batch = store.renew_batch(session, after)
        changed, after = changed + batch.changed, batch.last
        if after is None:
            return changed
