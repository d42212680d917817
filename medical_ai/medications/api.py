"""The medicine and dose endpoints of the JSON API."""

from uuid import UUID

from flask import Blueprint

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.errors import NotFound
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.medications import ledger, service
from medical_ai.medications.schemas import (
    DoseRead,
    DosesQuery,
    MedicationCreate,
    MedicationRead,
    MedicationUpdate,
)
from medical_ai.medications.states import DoseStatus, MedicationStatus
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef

PAGE_SIZE = 500

blueprint = Blueprint("medications_api", __name__)


def _own_patient(permission: Permission) -> PatientRef:
    return patients.get_own_patient(current_session(), current_actor(), permission)


@blueprint.post("/medications")
@api(
    permission=Permission.MEDICATION_WRITE,
    body=MedicationCreate,
    answers={201: MedicationRead},
    errors=[404, 409],
    writes=True,
)
def create_medication(body: MedicationCreate) -> MedicationRead:
    """Add a medicine to one's own list and plan its doses."""
    patient = _own_patient(Permission.MEDICATION_WRITE)
    return service.add_medication(
        current_session(), actor=current_actor(), patient=patient, data=body
    )


@blueprint.get("/medications")
@api(
    permission=Permission.MEDICATION_READ,
    answers={200: Listing[MedicationRead]},
    errors=[404],
)
def list_medications() -> Listing[MedicationRead]:
    """List one's own active medicines."""
    patient = _own_patient(Permission.MEDICATION_READ)
    found = service.list_medications(current_session(), actor=current_actor(), patient=patient)
    return Listing[MedicationRead](items=found)


@blueprint.get("/medications/<uuid:medication_id>")
@api(permission=Permission.MEDICATION_READ, answers={200: MedicationRead})
def get_medication(medication_id: UUID) -> MedicationRead:
    """Return one medicine; one that was stopped is gone from here and stays in the history."""
    found = service.get_medication(
        current_session(), actor=current_actor(), medication_id=medication_id
    )
    if found.status is MedicationStatus.STOPPED:
        raise NotFound
    return found


@blueprint.patch("/medications/<uuid:medication_id>")
@api(
    permission=Permission.MEDICATION_WRITE,
    body=MedicationUpdate,
    answers={200: MedicationRead},
    errors=[409],
    writes=True,
)
def change_medication(medication_id: UUID, body: MedicationUpdate) -> MedicationRead:
    """Change a medicine; new times replace the doses that are not due yet."""
    return service.change_medication(
        current_session(), actor=current_actor(), medication_id=medication_id, data=body
    )


@blueprint.delete("/medications/<uuid:medication_id>")
@api(permission=Permission.MEDICATION_WRITE, answers={204: None}, writes=True)
def stop_medication(medication_id: UUID) -> None:
    """Stop a medicine. Its history stays."""
    service.stop_medication(current_session(), actor=current_actor(), medication_id=medication_id)


@blueprint.get("/doses")
@api(
    permission=Permission.MEDICATION_READ,
    query=DosesQuery,
    answers={200: Listing[DoseRead]},
    errors=[404],
)
def list_doses(query: DosesQuery) -> Listing[DoseRead]:
    """List one's own doses in a span of time; today's without one."""
    patient = _own_patient(Permission.MEDICATION_READ)
    return page_of_doses(patient, query)


def page_of_doses(patient: PatientRef, query: DosesQuery) -> Listing[DoseRead]:
    """Return one page of a patient's doses."""
    found = ledger.list_doses(
        current_session(),
        actor=current_actor(),
        patient=patient,
        start=query.from_,
        end=query.to,
        after_id=query.cursor,
        limit=PAGE_SIZE,
    )
    is_full = len(found) == PAGE_SIZE
    return Listing[DoseRead](items=found, next=str(found[-1].id) if is_full else None)


@blueprint.get("/doses/<uuid:dose_id>")
@api(permission=Permission.MEDICATION_READ, answers={200: DoseRead})
def get_dose(dose_id: UUID) -> DoseRead:
    """Return one dose with the proof of its reminders."""
    return ledger.get_dose(current_session(), actor=current_actor(), dose_id=dose_id)


@blueprint.post("/doses/<uuid:dose_id>/taken")
@api(permission=Permission.DOSE_ANSWER, answers={200: DoseRead}, errors=[409], writes=True)
def take_dose(dose_id: UUID) -> DoseRead:
    """Mark a dose taken."""
    return ledger.answer_dose(
        current_session(), actor=current_actor(), dose_id=dose_id, status=DoseStatus.TAKEN
    )


@blueprint.post("/doses/<uuid:dose_id>/skipped")
@api(permission=Permission.DOSE_ANSWER, answers={200: DoseRead}, errors=[409], writes=True)
def skip_dose(dose_id: UUID) -> DoseRead:
    """Mark a dose skipped."""
    return ledger.answer_dose(
        current_session(), actor=current_actor(), dose_id=dose_id, status=DoseStatus.SKIPPED
    )
