"""A patient's medicines and doses for whoever looks after them, at the patient's code."""

from typing import TypeVar

from flask import Blueprint
from pydantic import BaseModel

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.medications import service
from medical_ai.medications.api import page_of_doses
from medical_ai.medications.schemas import DoseRead, DosesQuery, MedicationRead
from medical_ai.patients import service as patients
from medical_ai.patients.redaction import held_back, redact_each, viewer_of
from medical_ai.patients.schemas import PatientRef, SeenListing

Row = TypeVar("Row", bound=BaseModel)

blueprint = Blueprint("patient_medications_api", __name__)


def _patient(code: str) -> PatientRef:
    return patients.get_patient_by_code_for(
        current_session(), current_actor(), code, Permission.MEDICATION_READ
    )


@blueprint.get("/patients/<code>/medications")
@api(permission=Permission.MEDICATION_READ, answers={200: SeenListing[MedicationRead]})
def list_medications(code: str) -> SeenListing[MedicationRead]:
    """List a patient's active medicines."""
    patient = _patient(code)
    found = service.list_medications(current_session(), actor=current_actor(), patient=patient)
    return _seen(patient, "medication", MedicationRead, Listing[MedicationRead](items=found))


@blueprint.get("/patients/<code>/doses")
@api(
    permission=Permission.MEDICATION_READ,
    query=DosesQuery,
    answers={200: SeenListing[DoseRead]},
)
def list_doses(code: str, query: DosesQuery) -> SeenListing[DoseRead]:
    """List a patient's doses in a span of time; today's without one."""
    patient = _patient(code)
    return _seen(patient, "dose", DoseRead, page_of_doses(patient, query))


def _seen(
    patient: PatientRef, resource: str, shape: type[Row], page: Listing[Row]
) -> SeenListing[Row]:
    viewer = viewer_of(current_actor(), patient)
    return SeenListing[shape](  # type: ignore[valid-type]  # a shape is chosen by its value here
        items=redact_each(page.items, resource, viewer),
        next=page.next,
        hidden_fields=held_back(shape, resource, viewer),
    )
