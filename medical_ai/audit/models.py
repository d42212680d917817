"""The table of audit events. Rows are only ever added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Index, String, event
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
    __table_args__ = (Index("ix_audit_events_patient_id_at", "patient_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)
    tag: Mapped[str] = mapped_column(String(64))
    hospital_id: Mapped[UUID | None] = mapped_column(index=True)
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


def _refuse(*_arguments: object) -> None:
    raise RuntimeError("audit events are append-only")


event.listen(AuditEvent, "before_update", _refuse)
event.listen(AuditEvent, "before_delete", _refuse)
