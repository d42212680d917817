"""The one door to clinical data: load a patient and authorise in one step."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import NOT_ALLOWED, Actor
from medical_ai.core.crypto import KeyRing, new_data_key, place
from medical_ai.core.database import database_of, integrity_as, rows_changed
from medical_ai.core.errors import Conflict, DomainError, NotFound, PermissionDenied
from medical_ai.core.events import AccountCreated, StaffLeft, ZoneChanged
from medical_ai.core.ids import new_id, new_patient_code
from medical_ai.core.zones import country_of
from medical_ai.patients.access import bases_of
from medical_ai.patients.models import CareRelationship, Patient
from medical_ai.patients.schemas import Basis, PatientRef
from medical_ai.tenancy import service as tenancy

PATIENT_ROLE = "patient"
CODE_TRIES = 20


def get_patient_for(
    session: Session, actor: Actor, patient_id: UUID | None, permission: str
) -> PatientRef:
    """Return a patient the actor may deal with; None is the patient of a row that is not there.

    Raises PermissionDenied where the role can never do this, and NotFound for everybody who has
    nothing to do with this patient, exactly as if there were no such patient.
    """
    return _get_for(session, actor, Patient.id == patient_id, permission, asked=patient_id)


def get_patient_by_code_for(
    session: Session, actor: Actor, code: str, permission: str
) -> PatientRef:
    """Return the patient with this code, as `get_patient_for` does by id."""
    return _get_for(session, actor, Patient.code == code, permission)


def list_patients_for(
    session: Session, actor: Actor, patient_ids: Collection[UUID], permission: str
) -> dict[UUID, PatientRef]:
    """Return those of some patients whom the actor may deal with now; opening them is a look.

    For what somebody kept of them: that one is closed to them meanwhile is no attempt of theirs,
    and is not written down as a refusal.
    """
    if not patient_ids or not actor.may(permission):
        return {}
    ways = bases_of(actor, permission)
    rows = session.execute(
        select(Patient, *(way.label(basis.name) for basis, way in ways.items())).where(
            Patient.id.in_(patient_ids),
            Patient.hospital_id == actor.tenant_id,
            Patient.data_key_sealed.is_not(None),
            or_(*ways.values()),
        )
    )
    return {
        row[0].id: _opened(
            session, actor, row[0], permission, next(one for one in ways if getattr(row, one.name))
        )
        for row in rows
    }


def get_patient_behind_glass(session: Session, actor: Actor, code: str) -> PatientRef:
    """Return a patient of the actor's hospital who is not theirs, to break the glass to.

    Raises NotFound as for one that does not exist, and Conflict where the record is open to the
    actor already.
    """
    actor.require(Permission.BREAK_GLASS)
    patient, basis = _load(session, actor, Patient.code == code, Permission.RECORD_READ)
    if patient is None:
        raise _recorded(session, actor, None, Permission.BREAK_GLASS, NotFound())
    if basis is not None:
        raise Conflict("This record is open to you already.")
    return _opened(session, actor, patient, Permission.BREAK_GLASS, Basis.BREAK_GLASS)


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
    return refer(session, patient, Basis.OWN) if patient else None


def find_record_of_account(session: Session, actor: Actor) -> PatientRef | None:
    """Return the actor's own record in whichever hospital it is, to take everything along."""
    patient = session.scalar(select(Patient).where(Patient.user_id == actor.user_id))
    return refer(session, patient, Basis.OWN) if patient and patient.data_key_sealed else None


def open_own_patient(session: Session, actor: Actor, permission: str) -> PatientRef | None:
    """Return the actor's own record to show it, if the account has one; that is a look at it."""
    patient = _find_own(session, actor)
    return _opened(session, actor, patient, permission, Basis.OWN) if patient else None


def get_patient(session: Session, patient_id: UUID) -> PatientRef:
    """Return a patient for the house's own work, such as the worker's; nobody is asking."""
    patient = session.get(Patient, patient_id)
    if patient is None:
        raise NotFound
    return refer(session, patient)


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
    actor: Actor | None = None,
) -> PatientRef:
    """Create a record with a data key of its own and a code that nobody else has.

    `actor` is who registers the patient, where that is not the patient.
    """
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
            actor=actor,
            user_id=user_id,
            hospital_id=hospital_id,
            role=PATIENT_ROLE if user_id else "",
            patient_id=patient_id,
        )
        return refer(session, patient)
    raise RuntimeError("no free patient code was found")


def rename_record(session: Session, *, actor: Actor, code: str) -> PatientRef:
    """Give the actor's own record another code. Raises Conflict where it is taken."""
    patient = _find_own(session, actor)
    if patient is None:
        raise NotFound
    with integrity_as(session, Conflict("This code is taken.")):
        patient.code = code
    return refer(session, patient)


def open_record_for_account(session: Session, event: AccountCreated) -> None:
    """Give everybody who signs up as a patient a record of their own."""
    if event.role == PATIENT_ROLE:
        create_patient(
            session,
            hospital_id=event.hospital_id,
            user_id=event.user_id,
            home_zone=event.timezone,
        )


def follow_zone(session: Session, event: ZoneChanged) -> None:
    """Let the person's own records live by their new clock.

    Medicines keep the clock they were planned by until somebody saves them again: a time of
    taking never moves by itself.
    """
    for patient in session.scalars(select(Patient).where(Patient.user_id == event.user_id)):
        patient.home_zone = event.timezone
        patient.country = country_of(event.timezone) or patient.country


def start_care(session: Session, *, patient: PatientRef, user_id: UUID) -> CareRelationship:
    """Let a member of the patient's hospital look after them. Raises Conflict if they do."""
    care = CareRelationship(
        id=new_id(),
        hospital_id=patient.hospital_id,
        patient_id=patient.id,
        user_id=user_id,
        started_at=clock.now(),
    )
    with integrity_as(session, Conflict("They look after this patient already.")):
        session.add(care)
    return care


def hold_patient(session: Session, patient: PatientRef) -> None:
    """Let changes of one patient's place come one after the other until the transaction ends."""
    session.execute(select(Patient.id).where(Patient.id == patient.id).with_for_update())


def _get_for(
    session: Session,
    actor: Actor,
    wanted: ColumnElement[bool],
    permission: str,
    *,
    asked: UUID | None = None,
) -> PatientRef:
    patient, basis = None, None
    if actor.may(permission):
        patient, basis = _load(session, actor, wanted, permission)
    if patient is None or basis is None:
        named = patient.id if patient else asked
        error = NotFound() if actor.may(permission) else PermissionDenied(NOT_ALLOWED)
        raise _recorded(session, actor, named, permission, error)
    return _opened(session, actor, patient, permission, basis)


def _load(
    session: Session, actor: Actor, wanted: ColumnElement[bool], permission: str
) -> tuple[Patient | None, Basis | None]:
    """Load a patient of the actor's hospital and why they may deal with them, in one query."""
    ways = bases_of(actor, permission)
    row = session.execute(
        select(Patient, *(way.label(basis.name) for basis, way in ways.items())).where(
            wanted, Patient.hospital_id == actor.tenant_id
        )
    ).one_or_none()
    if row is None:
        return None, None
    return row[0], next((one for one in ways if getattr(row, one.name)), None)


def end_care_of_staff(session: Session, event: StaffLeft) -> None:
    """Let nobody look after patients of a hospital they do not work in any more."""
    rows_changed(
        session,
        update(CareRelationship)
        .where(
            CareRelationship.user_id == event.user_id,
            CareRelationship.hospital_id == event.hospital_id,
            CareRelationship.ended_at.is_(None),
        )
        .values(ended_at=clock.now()),
    )


def _recorded(
    session: Session, actor: Actor, patient_id: UUID | None, permission: str, error: DomainError
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
    opened = refer(session, patient, basis)  # first: a record without its key was seen by nobody
    audit.record_view(
        session, actor=actor, patient_id=patient.id, permission=permission, basis=basis.value
    )
    return opened


def refer(session: Session, patient: Patient, basis: Basis = Basis.HOUSE) -> PatientRef:
    """Return what others may hold of a patient for whom access was checked, and why it may be."""
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
