"""Which ward a patient is on, and who may say so.

An administrator places anybody. A nurse moves those who are hers already: she cannot bring a
stranger onto her ward, or a ward would open every record of the hospital to whoever works on it.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.errors import FieldProblem, InvalidInput, NotFound
from medical_ai.core.ids import new_id
from medical_ai.patients import service
from medical_ai.patients.models import WardStay
from medical_ai.patients.schemas import PatientRef, WardStayRead, WardStayUpdate
from medical_ai.tenancy import wards

NOWHERE = WardStayRead(ward_id=None, ward=None, started_at=None)


def set_ward(session: Session, *, actor: Actor, code: str, data: WardStayUpdate) -> WardStayRead:
    """Let a patient be on a ward, or on none, from now on; a former stay ends.

    Raises InvalidInput for a ward that is closed or not the hospital's.
    """
    patient = service.get_patient_by_code_for(session, actor, code, Permission.WARD_STAY_WRITE)
    service.hold_patient(session, patient)
    if data.ward_id is not None:
        _require_open(session, patient, data.ward_id)
    present = _list_open(session, patient)
    if [one.ward_id for one in present] != ([data.ward_id] if data.ward_id else []):
        _move(session, actor, patient, present, data)
    return find_ward(session, patient=patient)


def find_ward(session: Session, *, patient: PatientRef) -> WardStayRead:
    """Return the ward that a patient is on whose record was opened."""
    present = _list_open(session, patient)
    if not present:
        return NOWHERE
    stay = present[-1]
    known = wards.list_wards(session, hospital_id=patient.hospital_id, include_closed=True)
    name = next((one.name for one in known if one.id == stay.ward_id), None)
    return WardStayRead(ward_id=stay.ward_id, ward=name, started_at=stay.started_at)


def _require_open(session: Session, patient: PatientRef, ward_id: UUID) -> None:
    # Locked by `get_ward`: putting a patient on a ward and closing it come one after the other.
    try:
        is_open = wards.get_ward(session, hospital_id=patient.hospital_id, ward_id=ward_id).is_open
    except NotFound:
        is_open = False
    if not is_open:
        raise InvalidInput(fields=(FieldProblem("ward_id", "There is no such ward here."),))


def _move(
    session: Session,
    actor: Actor,
    patient: PatientRef,
    present: list[WardStay],
    data: WardStayUpdate,
) -> None:
    now = clock.now()
    for stay in present:
        stay.ended_at = now
    subject = present[-1].id if present else patient.id
    if data.ward_id is not None:
        subject = new_id()
        session.add(
            WardStay(
                id=subject,
                hospital_id=patient.hospital_id,
                patient_id=patient.id,
                ward_id=data.ward_id,
                started_at=now,
            )
        )
    session.flush()
    audit.record(
        session,
        tag=AuditTag.WARD_CHANGED,
        actor=actor,
        patient_id=patient.id,
        subject=("ward-stay", subject),
        details={"ward_id": str(data.ward_id) if data.ward_id else None},
    )


def _list_open(session: Session, patient: PatientRef) -> list[WardStay]:
    return list(
        session.scalars(
            select(WardStay)
            .where(WardStay.patient_id == patient.id, WardStay.ended_at.is_(None))
            .order_by(WardStay.started_at, WardStay.id)
        )
    )
