"""Patients of the directory: details that would be noticed anywhere, wards, and emergencies."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, WardAssignment
from medical_ai.patients import details
from medical_ai.patients.models import WardStay
from medical_ai.patients.schemas import Details
from medical_ai.tenancy.models import Ward
from tests.support.people import Person, record_of

WRITTEN = {
    "name": "Zyxcanary José Qwallström",
    "birth_date": "1931-05-07",
    "sex": "other",
    "phone": "+49 555 0191 77",
    "email": "zyxmail@example.net",
    "address": "Zyxlane 7\nZyxtown",
    "national_id": "ZYXNAT 77",
    "insurance_number": "ZYXINS 88",
    "language": "gsw",
    "emergency_contact": "Zyxcontact 0190",
}
"""As JSON takes it."""
REASON = "Zyxreason: found unconscious on the stairs."


def details_of(**changed: str) -> Details:
    """Return the details above, some of them changed."""
    return Details.model_validate(WRITTEN | changed, strict=False)


def write_details(session: Session, person: Person, **changed: str) -> None:
    """Let a patient say who they are."""
    details.change_own_details(session, actor=person.actor, data=details_of(**changed))
    session.flush()


def put_on_ward(
    session: Session, *, patient: Person, nurse: Person | None = None, name: str = "North"
) -> UUID:
    """Open a ward with a patient on it, and a nurse who works there; return its id."""
    hospital_id = patient.actor.tenant_id
    ward = Ward(hospital_id=hospital_id, name=name)
    session.add(ward)
    session.flush()
    stay = WardStay(
        hospital_id=hospital_id, patient_id=record_of(session, patient).id, ward_id=ward.id
    )
    session.add(stay)
    if nurse is not None:
        member = session.scalars(
            select(Membership).where(Membership.user_id == nurse.user_id)
        ).one()
        session.add(
            WardAssignment(hospital_id=hospital_id, membership_id=member.id, ward_id=ward.id)
        )
    session.flush()
    return ward.id
