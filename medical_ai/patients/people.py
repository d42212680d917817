"""The people an account looks after: listed, and found by the code of their record."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission
from medical_ai.core.actor import Actor
from medical_ai.core.errors import NotFound
from medical_ai.patients import caregivers
from medical_ai.patients import service as patients
from medical_ai.patients.access import holds
from medical_ai.patients.care_schemas import PersonRead
from medical_ai.patients.consent import Alarm, Share, alarms_in, shares_in, unpacked
from medical_ai.patients.models import Caregiver, Patient
from medical_ai.patients.schemas import CareKind, PatientRef


def list_people(session: Session, *, actor: Actor) -> list[PersonRead]:
    """Return whom the actor looks after at this moment, in the order in which it began."""
    actor.require(Permission.CARE_SHARE)
    rows = session.execute(
        select(Caregiver, Patient)
        .join(Patient, Patient.id == Caregiver.patient_id)
        .where(holds(actor), Patient.data_key_sealed.is_not(None))
        .order_by(Caregiver.created_at, Caregiver.id)
        .limit(caregivers.MAX_LISTED)
    ).all()
    found = [(row, patients.refer(session, patient)) for row, patient in rows]
    owners = {patient.user_id for _, patient in found if patient.user_id}
    accounts = auth.list_accounts(session, owners)
    return [_read(row, patient, accounts) for row, patient in found]


def get_person(session: Session, *, actor: Actor, code: str) -> PersonRead:
    """Return somebody the actor looks after. Raises NotFound for everybody else."""
    found = [one for one in list_people(session, actor=actor) if one.code == code]
    if not found:
        raise NotFound
    # Who was a caregiver first and decides for the patient now, does the latter.
    return min(found, key=lambda one: one.kind is not CareKind.PROXY)


def open_person(
    session: Session, *, actor: Actor, code: str, permission: str
) -> tuple[PersonRead, PatientRef]:
    """Return somebody the actor looks after, and their record if this may be done with it."""
    person = get_person(session, actor=actor, code=code)
    return person, patients.get_patient_for(session, actor, person.patient_id, permission)


def get_person_of(session: Session, *, actor: Actor, relationship_id: UUID) -> PersonRead:
    """Return somebody the actor looks after by the id of the relationship. Raises NotFound."""
    for one in list_people(session, actor=actor):
        if one.id == relationship_id:
            return one
    raise NotFound


def _read(row: Caregiver, patient: PatientRef, accounts: dict[UUID, auth.AccountRef]) -> PersonRead:
    account = accounts.get(patient.user_id) if patient.user_id else None
    name = account.username if account else caregivers.open_sealed(row, patient, "name")
    born = caregivers.open_sealed(row, patient, "birth_date")
    is_proxy = row.kind is CareKind.PROXY
    return PersonRead(
        id=row.id,
        patient_id=patient.id,
        code=patient.code,
        name=name or patient.code,
        kind=row.kind,
        relationship=row.relationship,
        birth_date=date.fromisoformat(born) if born else None,
        shares=list(Share) if is_proxy else shares_in(unpacked(row.permissions)),
        alarms=list(Alarm) if is_proxy else alarms_in(unpacked(row.alarms)),
        ends_on=caregivers.last_day(row, patient),
        home_zone=patient.home_zone,
    )
