"""Patients, and who looks after them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime, enum_column
from medical_ai.core.ids import new_id
from medical_ai.patients.schemas import CareKind, CareStatus
from medical_ai.tenancy.models import TenantOwned


class Patient(TenantOwned, Base):
    """Somebody with a record. `code` is the short public name of the record.

    `data_key_sealed` is the key of everything written about the patient, itself sealed by the
    key ring. Without it the record cannot be read anywhere, backups included.
    """

    __tablename__ = "patients"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), unique=True
    )
    code: Mapped[str] = mapped_column(String(9), unique=True)
    home_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    country: Mapped[str] = mapped_column(String(2), default="")
    data_key_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class CareRelationship(TenantOwned, Base):
    """A member of staff looks after a patient, until it ends."""

    __tablename__ = "care_relationships"
    __table_args__ = (UniqueConstraint("patient_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    objected_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the patient asked for it to end."""


class WardStay(TenantOwned, Base):
    """A patient is on a ward, until the stay ends."""

    __tablename__ = "ward_stays"
    __table_args__ = (Index("ix_ward_stays_patient_id_ended_at", "patient_id", "ended_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    ward_id: Mapped[UUID] = mapped_column(ForeignKey("wards.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PatientDetails(TenantOwned, Base):
    """Who a patient is: one sealed text of name, birth, contact and numbers."""

    __tablename__ = "patient_details"

    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True
    )
    details_sealed: Mapped[bytes] = mapped_column(LargeBinary(16_384))
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class PatientSearchTerm(TenantOwned, Base):
    """A keyed hash under which a patient is found; see `patients.search`."""

    __tablename__ = "patient_search_terms"
    __table_args__ = (Index("ix_patient_search_terms_hospital_id_term", "hospital_id", "term"),)

    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True
    )
    term: Mapped[str] = mapped_column(String(32), primary_key=True)


class BreakGlassGrant(TenantOwned, Base):
    """A doctor opened a record outside their care, for a written reason and a limited time."""

    __tablename__ = "break_glass_grants"
    __table_args__ = (
        Index("ix_break_glass_grants_patient_id_user_id", "patient_id", "user_id"),
        Index("ix_break_glass_grants_user_id_opened_at", "user_id", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    reason_sealed: Mapped[bytes] = mapped_column(LargeBinary(4096))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reviewed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class Caregiver(TenantOwned, Base):
    """Somebody outside the hospital who looks after a patient, or is invited to.

    A caregiver may do what `permissions` names and hears the `alarms`, both packed as in
    `patients.consent`; a proxy may do everything until `ends_at`. `user_id` is empty until an
    invitation is accepted. What is written about people is sealed with the patient's key.
    """

    __tablename__ = "caregivers"
    __table_args__ = (Index("ix_caregivers_user_id_patient_id", "user_id", "patient_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    patient_id: Mapped[UUID] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[CareKind] = mapped_column(enum_column(CareKind))
    status: Mapped[CareStatus] = mapped_column(enum_column(CareStatus))
    relationship: Mapped[str] = mapped_column(String(24), default="")
    permissions: Mapped[str] = mapped_column(String(255), default="")
    alarms: Mapped[str] = mapped_column(String(255), default="")
    email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(512))
    name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(512))
    birth_date_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
