"""The one door to clinical data: load a patient and authorise in one step."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import NOT_ALLOWED, Actor
from medical_ai.core.crypto import KeyRing, new_data_key, place
from medical_ai.core.database import database_of, integrity_as
from medical_ai.core.errors import Conflict, DomainError, NotFound, PermissionDenied
from medical_ai.core.events import AccountCreated
from medical_ai.core.ids import new_id, new_patient_code
from medical_ai.core.zones import country_of
from medical_ai.patients.access import bases_of
from medical_ai.patients.models import CareRelationship, Patient
from medical_ai.patients.schemas import Basis, PatientRef
from medical_ai.tenancy import service as tenancy

PATIENT_ROLE = "patient"
CODE_TRIES = 20


def get_patient_for(
    session: Session, actor: Actor, patient_id: UUID, permission: str
) -> PatientRef:
    """Return a patient the actor may deal with.

    Raises PermissionDenied where the role can never do this, and NotFound for everybody who has
    nothing to do with this patient, exactly as if there were no such patient.
    """
    if not actor.may(permission):
        error = PermissionDenied(NOT_ALLOWED)
        raise _recorded(session, actor, patient_id, permission, error)
    ways = bases_of(actor)
    row = session.execute(
        select(Patient, *(way.label(basis.name) for basis, way in ways.items())).where(
            Patient.id == patient_id, Patient.hospital_id == actor.tenant_id
        )
    ).one_or_none()
    basis = next((one for one in ways if row is not None and getattr(row, one.name)), None)
    if row is None or basis is None:
        raise _recorded(session, actor, patient_id, permission, NotFound())
    return _opened(session, actor, row[0], permission, basis)


def get_own_patient(session: Session, actor: Actor, permission: str) -> PatientRef:
    """Return the actor's own record. Raises NotFound where the account has none."""
    actor.require(permission)
    patient = _find_own(session, actor)
    if patient is None:
        raise NotFound("This account has no record of its own.")
    return _opened(session, actor, patient, permission, Basis.OWN)


def find_own_patient(session: Session, actor: Actor) -> PatientRef | None:
    """Return the actor's own record, if the account has one in this hospital."""
    patient = _find_own(session, actor)
    return _ref(session, patient, Basis.OWN) if patient else None


def open_own_patient(session: Session, actor: Actor, permission: str) -> PatientRef | None:
    """Return the actor's own record to show it, if the account has one; that is a look at it."""
    patient = _find_own(session, actor)
    return _opened(session, actor, patient, permission, Basis.OWN) if patient else None


def get_patient(session: Session, patient_id: UUID) -> PatientRef:
    """Return a patient for the house's own work, such as the worker's; nobody is asking."""
    patient = session.get(Patient, patient_id)
    if patient is None:
        raise NotFound
    return _ref(session, patient)


def list_codes(
    session: Session, *, hospital_id: UUID, patient_ids: Collection[UUID]
) -> dict[UUID, str]:
    """Return the codes of some of a hospital's patients by their ids; a code opens nothing."""
    if not patient_ids:
        return {}
    found = select(Patient.id, Patient.code).where(
        Patient.hospital_id == hospital_id, Patient.id.in_(patient_ids)
    )
    return {row.id: row.code for row in session.execute(found)}


def find_id_by_code(session: Session, *, hospital_id: UUID, code: str) -> UUID | None:
    """Return the id of a hospital's patient with this code, if there is one."""
    return session.scalar(
        select(Patient.id).where(Patient.hospital_id == hospital_id, Patient.code == code.upper())
    )


def create_patient(
    session: Session,
    *,
    hospital_id: UUID,
    user_id: UUID | None,
    home_zone: str,
    code: str | None = None,
) -> PatientRef:
    """Create a record with a data key of its own and a code that nobody else has."""
    patient_id = new_id()
    where = place("patients", "data_key_sealed", patient_id)
    country = country_of(home_zone) or tenancy.get_hospital(session, hospital_id).country
    for attempt in range(CODE_TRIES):
        patient = Patient(
            id=patient_id,
            hospital_id=hospital_id,
            user_id=user_id,
            code=code or new_patient_code(extra_syllables=attempt // 8),
            home_zone=home_zone,
            country=country,
            data_key_sealed=database_of(session).keyring.seal(new_data_key(), where),
        )
        try:
            with session.begin_nested():
                session.add(patient)
        except IntegrityError:  # the code is taken: another one
            continue
        audit.record(
            session,
            tag=AuditTag.PATIENT_CREATED,
            user_id=user_id,
            hospital_id=hospital_id,
            role=PATIENT_ROLE if user_id else "",
            patient_id=patient_id,
        )
        return _ref(session, patient)
    raise RuntimeError("no free patient code was found")


def rename_record(session: Session, *, actor: Actor, code: str) -> PatientRef:
    """Give the actor's own record another code. Raises Conflict where it is taken."""
    patient = _find_own(session, actor)
    if patient is None:
        raise NotFound
    with integrity_as(session, Conflict("This code is taken.")):
        patient.code = code
    return _ref(session, patient)


def open_record_for_account(session: Session, event: AccountCreated) -> None:
    """Give everybody who signs up as a patient a record of their own."""
    if event.role == PATIENT_ROLE:
        create_patient(
            session,
            hospital_id=event.hospital_id,
            user_id=event.user_id,
            home_zone=event.timezone,
        )


def start_care(session: Session, *, patient: PatientRef, user_id: UUID) -> None:
    """Let a member of the patient's hospital look after them."""
    session.add(
        CareRelationship(hospital_id=patient.hospital_id, patient_id=patient.id, user_id=user_id)
    )


def _recorded(
    session: Session, actor: Actor, patient_id: UUID, permission: str, error: DomainError
) -> DomainError:
    """Keep a refusal and mark its error, which may travel to another transaction's request."""
    refused = {"permission": permission}
    audit.record_refusal(session, actor=actor, patient_id=patient_id, details=refused)
    error.is_recorded = True
    return error


def _find_own(session: Session, actor: Actor) -> Patient | None:
    return session.scalar(
        select(Patient).where(
            Patient.user_id == actor.user_id, Patient.hospital_id == actor.tenant_id
        )
    )


def _opened(
    session: Session, actor: Actor, patient: Patient, permission: str, basis: Basis
) -> PatientRef:
    audit.record_view(
        session, actor=actor, patient_id=patient.id, permission=permission, basis=basis.value
    )
    return _ref(session, patient, basis)


def _ref(session: Session, patient: Patient, basis: Basis = Basis.HOUSE) -> PatientRef:
    if patient.data_key_sealed is None:
        raise NotFound  # the key was destroyed: the record is gone for good
    where = place("patients", "data_key_sealed", patient.id)
    key = database_of(session).keyring.open(patient.data_key_sealed, where)
    return PatientRef(
        id=patient.id,
        code=patient.code,
        hospital_id=patient.hospital_id,
        user_id=patient.user_id,
        home_zone=patient.home_zone,
        country=patient.country,
        vault=KeyRing([key]),
        basis=basis,
    )
