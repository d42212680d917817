"""Who a patient is: written by the patient or at registration, sealed, and found by name."""

import json
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing
from medical_ai.patients import break_glass, service
from medical_ai.patients.models import PatientDetails
from medical_ai.patients.redaction import redact, viewer_of
from medical_ai.patients.schemas import (
    Details,
    PatientCreate,
    PatientRead,
    PatientRef,
)
from medical_ai.patients.search import replace_terms

TABLE, COLUMN = "patient_details", "details"


def get_own_details(session: Session, *, actor: Actor) -> Details:
    """Return who the actor is, as they wrote it. Raises NotFound without a record."""
    patient = service.get_own_patient(session, actor, Permission.PATIENT_READ)
    return _find(session, patient)


def change_own_details(session: Session, *, actor: Actor, data: Details) -> Details:
    """Put these details in the place of the former ones; what is left out is gone."""
    patient = service.get_own_patient(session, actor, Permission.PATIENT_WRITE)
    _keep(session, patient, data)
    audit.record(
        session,
        tag=AuditTag.PATIENT_CHANGED,
        actor=actor,
        patient_id=patient.id,
        subject=("patient", patient.id),
        details={"fields": sorted(data.model_dump(exclude_none=True))},
    )
    return data


def register_patient(session: Session, *, actor: Actor, data: PatientCreate) -> PatientRead:
    """Register a patient of the actor's hospital who has no account."""
    actor.require(Permission.PATIENT_REGISTER)
    created = service.create_patient(
        session,
        hospital_id=actor.tenant_id,
        user_id=None,
        home_zone=data.timezone,
        actor=actor,
    )
    written = data.model_dump(exclude={"timezone"})
    _keep(session, created, Details.model_construct(**written))
    return get_patient_details(session, actor=actor, code=created.code)


def get_patient_details(session: Session, *, actor: Actor, code: str) -> PatientRead:
    """Return who a patient is, as far as the actor may see. Raises NotFound for outsiders."""
    patient = service.get_patient_by_code_for(session, actor, code, Permission.PATIENT_READ)
    return describe(session, actor=actor, patient=patient)


def describe(session: Session, *, actor: Actor, patient: PatientRef) -> PatientRead:
    """Return who a patient is whose record was opened, as far as the actor may see."""
    own = {one: getattr(patient, one) for one in ("id", "code", "country", "home_zone")}
    values = own | readable(_find(session, patient))
    until = break_glass.find_open_until(session, actor=actor, patient=patient)
    return PatientRead.model_validate(seen(actor, patient, values) | {"open_until": until})


def seen(actor: Actor, patient: PatientRef, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the actor may see of a patient's values, why, and what is held back."""
    redacted = redact("patient", values, viewer_of(actor, patient))
    held_back = [*redacted.hidden, *redacted.masked]
    return redacted.values | {"basis": patient.basis, "hidden_fields": held_back}


def readable(details: Details) -> dict[str, Any]:
    """Return details as they are shown: the day of birth is text, so that it can be masked."""
    values = dict(details)
    born = details.birth_date
    return values | {"birth_date": born.isoformat() if born else None}


def open_details(vault: KeyRing, patient_id: UUID, row: PatientDetails | None) -> Details:
    """Open what is sealed; everything is empty where nothing was ever written.

    It was checked when it was written, and must stay readable when the rules become stricter.
    """
    if row is None:
        return Details()
    text = vault.open_text(row.details_sealed, TABLE, COLUMN, patient_id)
    values = json.loads(text)
    born = values.get("birth_date")
    return Details.model_construct(
        **values | {"birth_date": date.fromisoformat(born) if born else None}
    )


def _find(session: Session, patient: PatientRef) -> Details:
    return open_details(patient.vault, patient.id, session.get(PatientDetails, patient.id))


def _keep(session: Session, patient: PatientRef, data: Details) -> None:
    sealed = patient.vault.seal_text(data.model_dump_json(), TABLE, COLUMN, patient.id)
    row = session.get(PatientDetails, patient.id)
    if row is None:
        row = PatientDetails(patient_id=patient.id, hospital_id=patient.hospital_id)
        session.add(row)
    row.details_sealed, row.updated_at = sealed, clock.now()
    replace_terms(
        session,
        patient_id=patient.id,
        hospital_id=patient.hospital_id,
        name=data.name,
        birth_date=data.birth_date,
    )
