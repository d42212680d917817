"""The tables of audit events and of what seals them. Rows are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime
from medical_ai.core.ids import new_id


class AuditEvent(Base):
    """Who did what, when, to which row, from where and why. Ids and tags only, no clinical text.

    `basis` is why they could: their own record, the care team, a ward, a caregiver's consent,
    break-glass.

    There are no foreign keys on purpose: an event outlives the rows it speaks of.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_patient_id_id", "patient_id", "id"),
        Index("ix_audit_events_hospital_id_id", "hospital_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)
    tag: Mapped[str] = mapped_column(String(64))
    hospital_id: Mapped[UUID | None]
    actor_user_id: Mapped[UUID | None] = mapped_column(index=True)
    actor_role: Mapped[str] = mapped_column(String(24), default="")
    via: Mapped[str] = mapped_column(String(12), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    basis: Mapped[str] = mapped_column(String(24), default="")
    patient_id: Mapped[UUID | None]
    subject_kind: Mapped[str] = mapped_column(String(32), default="")
    subject_id: Mapped[UUID | None]
    request_id: Mapped[str] = mapped_column(String(64), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class AuditBlock(Base):
    """A batch of events, sealed: the root of their Merkle tree, chained to the block before.

    `form` says how an event was spelled for its leaf; `digest` is over everything but the
    signature, which is of the key that `key_id` names.
    """

    __tablename__ = "audit_blocks"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    form: Mapped[int]
    previous: Mapped[bytes] = mapped_column(LargeBinary(32))
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    size: Mapped[int]
    sealed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    key_id: Mapped[str] = mapped_column(String(16))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


class AuditSeal(Base):
    """Where an event stands in its block, and the leaf that it was when it was sealed."""

    __tablename__ = "audit_seals"
    __table_args__ = (UniqueConstraint("block", "position"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(ForeignKey("audit_blocks.number"))
    position: Mapped[int]
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))


def _refuse(*_arguments: object) -> None:
    raise RuntimeError("audit events are append-only")


for _table in (AuditEvent, AuditBlock, AuditSeal):
    event.listen(_table, "before_update", _refuse)
    event.listen(_table, "before_delete", _refuse)
