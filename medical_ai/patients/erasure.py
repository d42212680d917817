"""The end of a record: its key is destroyed, and with it everything that the key sealed."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from medical_ai.core import clock
from medical_ai.core.database import rows_changed
from medical_ai.patients.models import (
    BreakGlassGrant,
    Caregiver,
    CareRelationship,
    Patient,
    PatientDetails,
    WardStay,
)
from medical_ai.patients.schemas import CareKind, CareStatus
from medical_ai.patients.search import forget_terms


@dataclass(frozen=True, slots=True)
class ErasedRecord:
    """A record whose key is gone; `fingerprint` is the SHA-256 of the key's envelope.

    Empty where the key was gone before: in a backup from before the deletion that was restored.
    """

    patient_id: UUID
    fingerprint: str


def list_codes_erased_with(session: Session, *, user_id: UUID) -> list[str]:
    """Return the codes of records kept for others that would go with an account."""
    kept = session.scalars(_kept_by_alone(user_id).order_by(Patient.code))
    return [patient.code for patient in kept]


def erase_records_of(session: Session, *, user_id: UUID) -> list[ErasedRecord]:
    """Destroy the keys of an account's own record and of those it alone keeps for others.

    Also ends what the account does for other patients, as a caregiver or as staff.
    """
    own = session.scalars(select(Patient).where(Patient.user_id == user_id)).all()
    kept = session.scalars(_kept_by_alone(user_id)).all()
    erased = [erase_record(session, one) for one in (*own, *kept)]
    _end_work_for_others(session, user_id)
    return erased


def _kept_by_alone(user_id: UUID) -> Select[Patient]:
    other = aliased(Caregiver)
    somebody_else = (
        select(other.id)
        .where(
            other.patient_id == Patient.id,
            other.kind == CareKind.PROXY,
            other.status == CareStatus.ACTIVE,
            other.user_id != user_id,
        )
        .exists()
    )
    return (
        select(Patient)
        .join(Caregiver, Caregiver.patient_id == Patient.id)
        .where(
            Patient.user_id.is_(None),
            Caregiver.user_id == user_id,
            Caregiver.kind == CareKind.PROXY,
            Caregiver.status == CareStatus.ACTIVE,
            ~somebody_else,
        )
    )


def is_in_use(session: Session, patient: Patient) -> bool:
    """Tell whether anybody wrote into a record or has to do with it."""
    tables = (PatientDetails, CareRelationship, WardStay, Caregiver, BreakGlassGrant)
    rows = [exists().where(table.patient_id == patient.id) for table in tables]
    return bool(session.scalar(select(or_(*rows))))


def erase_record(session: Session, patient: Patient) -> ErasedRecord:
    """Destroy a record's key, where there still is one, and what stands beside it."""
    fingerprint = ""
    if patient.data_key_sealed is not None:
        fingerprint = hashlib.sha256(patient.data_key_sealed).hexdigest()
        # Overwritten before it is let go: a page that is freed still holds what stood in it.
        patient.data_key_sealed = bytes(len(patient.data_key_sealed))
        session.flush()
        patient.data_key_sealed = None
    patient.user_id, patient.home_zone, patient.country = None, "UTC", ""
    session.flush()
    now = clock.now()
    for kind in (CareRelationship, WardStay):
        rows_changed(
            session,
            update(kind)
            .where(kind.patient_id == patient.id, kind.ended_at.is_(None))
            .values(ended_at=now),
        )
    forget_terms(session, patient_id=patient.id)
    for table in (Caregiver, PatientDetails, BreakGlassGrant):
        rows_changed(session, delete(table).where(table.patient_id == patient.id))
    return ErasedRecord(patient.id, fingerprint)


def _end_work_for_others(session: Session, user_id: UUID) -> None:
    now = clock.now()
    rows_changed(
        session,
        update(Caregiver)
        .where(Caregiver.user_id == user_id)
        .values(status=CareStatus.ENDED, ended_at=now, email_sealed=None),
    )
    rows_changed(
        session,
        update(CareRelationship)
        .where(CareRelationship.user_id == user_id, CareRelationship.ended_at.is_(None))
        .values(ended_at=now),
    )
    rows_changed(
        session,
        update(BreakGlassGrant)
        .where(BreakGlassGrant.user_id == user_id, BreakGlassGrant.closed_at.is_(None))
        .values(closed_at=now),
    )
