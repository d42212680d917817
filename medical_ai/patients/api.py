"""The JSON endpoints of who a patient is, and of looking patients up."""

from flask import Blueprint

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.patients import details, directory
from medical_ai.patients.schemas import (
    Details,
    DetailsRead,
    PatientCreate,
    PatientListed,
    PatientRead,
    PatientsQuery,
)

blueprint = Blueprint("patients_api", __name__)


@blueprint.get("/records/details")
@api(permission=Permission.PATIENT_READ, answers={200: DetailsRead}, errors=[404])
def get_own_details() -> Details:
    """Return who one is, as one wrote it."""
    return details.get_own_details(current_session(), actor=current_actor())


@blueprint.put("/records/details")
@api(
    permission=Permission.PATIENT_WRITE,
    body=Details,
    answers={200: DetailsRead},
    errors=[404],
    writes=True,
)
def change_own_details(body: Details) -> Details:
    """Say who one is; what is left out is taken away."""
    return details.change_own_details(current_session(), actor=current_actor(), data=body)


@blueprint.get("/patients")
@api(
    permission=Permission.PATIENT_LIST,
    query=PatientsQuery,
    answers={200: Listing[PatientListed]},
)
def list_patients(query: PatientsQuery) -> Listing[PatientListed]:
    """List the patients one deals with, by code, or find some by code, name or day of birth."""
    found, following = directory.list_patients(
        current_session(), actor=current_actor(), query=query
    )
    return Listing[PatientListed](items=found, next=following)


@blueprint.post("/patients")
@api(
    permission=Permission.PATIENT_REGISTER,
    body=PatientCreate,
    answers={201: PatientRead},
    writes=True,
)
def register_patient(body: PatientCreate) -> PatientRead:
    """Register a patient of the hospital who has no account."""
    return details.register_patient(current_session(), actor=current_actor(), data=body)


@blueprint.get("/patients/<code>")
@api(permission=Permission.PATIENT_READ, answers={200: PatientRead})
def get_patient(code: str) -> PatientRead:
    """Return who a patient is, as far as one's role may see, and what is held back."""
    return details.get_patient_details(current_session(), actor=current_actor(), code=code)
