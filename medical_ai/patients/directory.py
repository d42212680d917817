"""Looking patients up: those the actor deals with, by code or by name."""

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.auth.permissions import Permission
from medical_ai.core.actor import Actor
from medical_ai.core.ids import PATIENT_CODE_PATTERN
from medical_ai.patients import service
from medical_ai.patients.access import bases_of
from medical_ai.patients.details import open_details, readable, seen
from medical_ai.patients.models import Patient, PatientDetails
from medical_ai.patients.schemas import Basis, PatientListed, PatientRef, PatientsQuery
from medical_ai.patients.search import matches, words_of

PAGE_SIZE = 50
LISTED = ("name", "birth_date", "sex")


def list_patients(
    session: Session, *, actor: Actor, query: PatientsQuery
) -> tuple[list[PatientListed], str | None]:
    """Return the patients whom the actor deals with, by code, and the cursor of what follows.

    Nobody is found who is not theirs to see. Every patient shown leaves an event.
    """
    actor.require(Permission.PATIENT_LIST)
    ways = bases_of(actor, Permission.PATIENT_LIST)
    del ways[Basis.OWN]
    wanted = (
        select(Patient, PatientDetails, *(way.label(one.name) for one, way in ways.items()))
        .outerjoin(PatientDetails, PatientDetails.patient_id == Patient.id)
        .where(
            Patient.hospital_id == actor.tenant_id,
            Patient.data_key_sealed.is_not(None),
            or_(*ways.values()),
            *_asked_for(session, actor, query),
        )
        .order_by(Patient.code)
        .limit(PAGE_SIZE + 1)
    )
    rows = session.execute(wanted).all()
    shown = [_refer(session, row, ways) for row in rows[:PAGE_SIZE]]
    audit.record_listing(
        session, actor=actor, patient_ids={one.id: one.basis.value for one, _ in shown}
    )
    following = shown[-1][0].code if len(rows) > PAGE_SIZE else None
    return [_listed(actor, patient, details) for patient, details in shown], following


def looks_like_a_code(text: str) -> str:
    """Return what was typed as a code, in capitals; nothing where it cannot be one."""
    code = text.strip().upper()
    return code if re.fullmatch(PATIENT_CODE_PATTERN, code) else ""


def _asked_for(session: Session, actor: Actor, query: PatientsQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    hospital_id, born = actor.tenant_id, query.birth_date
    if query.query.strip():
        words = words_of(query.query)
        named = matches(session, hospital_id, words=words, birth_date=None)
        by_name = [and_(*named)] if named else []
        code = looks_like_a_code(query.query)
        by_code = [Patient.code == code] if code else []
        conditions.append(or_(false(), *by_name, *by_code))
    if born is not None:
        conditions += matches(session, hospital_id, words=(), birth_date=born)
    if query.cursor is not None:
        conditions.append(Patient.code > query.cursor)
    return conditions


def _refer(
    session: Session, row: Any, ways: dict[Basis, ColumnElement[bool]]
) -> tuple[PatientRef, PatientDetails | None]:
    basis = next(one for one in ways if getattr(row, one.name))
    return service.refer(session, row[0], basis), row[1]


def _listed(actor: Actor, patient: PatientRef, row: PatientDetails | None) -> PatientListed:
    details = readable(open_details(patient.vault, patient.id, row))
    values = {"code": patient.code} | {field: details[field] for field in LISTED}
    return PatientListed.model_validate(seen(actor, patient, values))
