"""Medicines, their schedules, and the ledger of doses."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime, enum_column
from medical_ai.core.ids import new_id
from medical_ai.medications.states import DeliveryStatus, DoseStatus, MedicationStatus
from medical_ai.tenancy.models import TenantOwned


class Medication(TenantOwned, Base):
    """A medicine a patient takes. Its name and instructions are sealed with the patient's key."""

    __tablename__ = "medications"
    __table_args__ = (Index("ix_medications_patient_id_status", "patient_id", "status"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary(1024))
    instructions_sealed: Mapped[bytes] = mapped_column(LargeBinary(4096))
    status: Mapped[MedicationStatus] = mapped_column(
        enum_column(MedicationStatus), default=MedicationStatus.ACTIVE
    )
    start_on: Mapped[date] = mapped_column(Date)
    end_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)
    stopped_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    schedules: Mapped[list["MedicationSchedule"]] = relationship(
        back_populates="medication", order_by="MedicationSchedule.created_at", lazy="selectin"
    )


class MedicationSchedule(TenantOwned, Base):
    """When a medicine is taken, as it was said: kind, rule, and the zone of its wall clock.

    The ledger is written up to `planned_until`. A schedule that was replaced keeps its doses and
    gets an `ended_at`.
    """

    __tablename__ = "medication_schedules"
    __table_args__ = (
        Index("ix_medication_schedules_ended_at_planned_until", "ended_at", "planned_until"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    medication_id: Mapped[UUID] = mapped_column(
        ForeignKey("medications.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    zone: Mapped[str] = mapped_column(String(64))
    planned_until: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    medication: Mapped[Medication] = relationship(back_populates="schedules")


class Dose(TenantOwned, Base):
    """One dose of one schedule in one slot. Unique, so it can be planned but once.

    `name_sealed` is what the medicine was called at the time, where it is called otherwise now:
    changing a medicine's name or strength must not rewrite what was taken.
    """

    __tablename__ = "doses"
    __table_args__ = (
        UniqueConstraint("medication_id", "schedule_id", "slot"),
        Index("ix_doses_status_due_at", "status", "due_at"),
        Index("ix_doses_patient_id_due_at", "patient_id", "due_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    medication_id: Mapped[UUID] = mapped_column(ForeignKey("medications.id", ondelete="CASCADE"))
    schedule_id: Mapped[UUID] = mapped_column(
        ForeignKey("medication_schedules.id", ondelete="CASCADE")
    )
    slot: Mapped[str] = mapped_column(String(32))
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(1024))
    zone: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    status: Mapped[DoseStatus] = mapped_column(enum_column(DoseStatus), default=DoseStatus.PLANNED)
    claimed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    deliveries: Mapped[list["DoseDelivery"]] = relationship(
        order_by="DoseDelivery.channel", lazy="raise"
    )


class DoseDelivery(TenantOwned, Base):
    """Proof of delivery: what one channel did with one dose's reminder."""

    __tablename__ = "dose_deliveries"
    __table_args__ = (
        UniqueConstraint("dose_id", "channel"),
        Index("ix_dose_deliveries_at", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    dose_id: Mapped[UUID] = mapped_column(ForeignKey("doses.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(String(24))
    status: Mapped[DeliveryStatus] = mapped_column(
        enum_column(DeliveryStatus), default=DeliveryStatus.WAITING
    )
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    answer: Mapped[str] = mapped_column(String(64), default="")
