"""Who looks after a patient: added and ended by staff, seen and objected to by the patient.

A patient may ask for somebody's care to end, and does not end it alone: who treats somebody must
not lose sight of them in the middle of it. The administrators hear of the wish at once.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission, Role
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound, PermissionDenied
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import service
from medical_ai.patients.access import bases_of
from medical_ai.patients.models import CareRelationship, Patient
from medical_ai.patients.schemas import Basis, CareMember, PatientRef

TREATING = frozenset({Role.DOCTOR, Role.NURSE})
ENTRUSTED = frozenset({Basis.CARE_TEAM, Basis.HOSPITAL})
"""Whoever is there by a ward or by an emergency must not make it a lasting place of theirs."""


def list_own_care_team(session: Session, *, actor: Actor) -> list[CareMember]:
    """Return who looks after the actor. Raises NotFound without a record."""
    return _list(session, service.get_own_patient(session, actor, Permission.CARE_TEAM_READ))


def list_care_team(session: Session, *, actor: Actor, code: str) -> list[CareMember]:
    """Return who looks after a patient, the longest first."""
    patient = service.get_patient_by_code_for(session, actor, code, Permission.CARE_TEAM_READ)
    return _list(session, patient)


def add_care(session: Session, *, actor: Actor, code: str, email: str) -> CareMember:
    """Let a doctor or nurse of the hospital look after a patient, who is told.

    Raises InvalidInput where nobody of them has this address, and Conflict for who is there.
    """
    patient = _entrusted(session, actor, code)
    colleague = auth.find_working_colleague(session, hospital_id=actor.tenant_id, email=email)
    if colleague is None or colleague.role not in TREATING:
        problem = FieldProblem("email", "No doctor or nurse of this hospital has this address.")
        raise InvalidInput(fields=(problem,))
    row = session.scalar(
        select(CareRelationship)
        .where(CareRelationship.patient_id == patient.id, CareRelationship.user_id == colleague.id)
        .with_for_update()
    )
    if row is not None and row.ended_at is None:
        raise Conflict("They look after this patient already.")
    if row is None:
        row = service.start_care(session, patient=patient, user_id=colleague.id)
    else:
        row.started_at, row.ended_at, row.objected_at = clock.now(), None, None
    _record(session, actor, AuditTag.CARE_STARTED, row)
    if patient.user_id is not None:
        _tell(session, row, patient.user_id, NoticeKind.CARE_STARTED)
    return _read(row, colleague)


def end_care(session: Session, *, actor: Actor, code: str, care_id: UUID) -> None:
    """Let somebody's care for a patient end. Raises NotFound where there is none."""
    row = _get(session, _entrusted(session, actor, code), care_id)
    row.ended_at = clock.now()
    _record(session, actor, AuditTag.CARE_ENDED, row)


def object_to_care(session: Session, *, actor: Actor, care_id: UUID) -> None:
    """Ask for somebody's care to end; the administrators are told, once."""
    patient = service.get_own_patient(session, actor, Permission.PATIENT_WRITE)
    row = _get(session, patient, care_id)
    if row.objected_at is not None:
        return
    row.objected_at = clock.now()
    _record(session, actor, AuditTag.CARE_OBJECTED, row)
    for administrator in auth.list_member_ids(
        session, hospital_id=patient.hospital_id, role=Role.ADMINISTRATOR
    ):
        _tell(session, row, administrator, NoticeKind.CARE_OBJECTED)


def find_codes(session: Session, *, actor: Actor, care_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the codes of the patients whose care this is, for whoever may end it."""
    if not actor.may(Permission.CARE_TEAM_MANAGE):
        return {}
    ways = bases_of(actor, Permission.CARE_TEAM_MANAGE)
    rows = session.execute(
        select(CareRelationship.id, Patient.code)
        .join(Patient, Patient.id == CareRelationship.patient_id)
        .where(
            CareRelationship.id.in_(set(care_ids)),
            Patient.hospital_id == actor.tenant_id,
            or_(*(ways[one] for one in ENTRUSTED)),
        )
    )
    return {row.id: row.code for row in rows}


def _entrusted(session: Session, actor: Actor, code: str) -> PatientRef:
    patient = service.get_patient_by_code_for(session, actor, code, Permission.CARE_TEAM_MANAGE)
    if patient.basis not in ENTRUSTED:
        raise PermissionDenied(
            "Only the care team and the administrators can change the care team."
        )
    return patient


def _get(session: Session, patient: PatientRef, care_id: UUID) -> CareRelationship:
    row = session.scalar(
        select(CareRelationship)
        .where(
            CareRelationship.id == care_id,
            CareRelationship.patient_id == patient.id,
            CareRelationship.ended_at.is_(None),
        )
        .with_for_update()
    )
    if row is None:
        raise NotFound
    return row


def _list(session: Session, patient: PatientRef) -> list[CareMember]:
    rows = session.scalars(
        select(CareRelationship)
        .where(CareRelationship.patient_id == patient.id, CareRelationship.ended_at.is_(None))
        .order_by(CareRelationship.started_at, CareRelationship.id)
    ).all()
    people = auth.find_colleagues(
        session, hospital_id=patient.hospital_id, ids=[row.user_id for row in rows]
    )
    return [_read(row, people[row.user_id]) for row in rows if row.user_id in people]


def _read(row: CareRelationship, colleague: auth.Colleague) -> CareMember:
    return CareMember(
        id=row.id,
        name=colleague.name,
        role=colleague.role.value,
        started_at=row.started_at,
        objected_at=row.objected_at,
    )


def _record(session: Session, actor: Actor, tag: AuditTag, row: CareRelationship) -> None:
    audit.record(
        session,
        tag=tag,
        actor=actor,
        patient_id=row.patient_id,
        subject=("care", row.id),
        details={"user_id": str(row.user_id)},
    )


def _tell(session: Session, row: CareRelationship, user_id: UUID, kind: NoticeKind) -> None:
    notifications.tell(
        session, user_id=user_id, hospital_id=row.hospital_id, kind=kind, subject_id=row.id
    )
