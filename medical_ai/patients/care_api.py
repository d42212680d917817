"""The endpoints of caregivers and dependants."""

from uuid import UUID

from flask import Blueprint

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.patients import caregivers, dependants, people
from medical_ai.patients.care_schemas import (
    CaregiverInvite,
    CaregiverInvited,
    CaregiverRead,
    CaregiverUpdate,
    DependantCreate,
    DependantUpdate,
    HandoverAccept,
    HandoverCreate,
    HandoverOffered,
    PersonRead,
    SecretLink,
)

blueprint = Blueprint("care_api", __name__)
SHARE = Permission.CARE_SHARE


@blueprint.get("/caregivers")
@api(permission=SHARE, answers={200: Listing[CaregiverRead]}, errors=[404])
def list_caregivers() -> Listing[CaregiverRead]:
    """List whom one has invited, and who accepted."""
    found = caregivers.list_caregivers(current_session(), actor=current_actor())
    return Listing[CaregiverRead](items=found)


@blueprint.post("/caregivers")
@api(
    permission=SHARE,
    body=CaregiverInvite,
    answers={201: CaregiverInvited},
    errors=[404],
    writes=True,
)
def invite_caregiver(body: CaregiverInvite) -> CaregiverInvited:
    """Invite somebody to look after one; they see what the consent names, and nothing else.

    `link` is given once, and only where no mail server carries it.
    """
    return caregivers.invite_caregiver(current_session(), actor=current_actor(), data=body)


@blueprint.patch("/caregivers/<uuid:caregiver_id>")
@api(permission=SHARE, body=CaregiverUpdate, answers={200: CaregiverRead}, writes=True)
def change_consent(caregiver_id: UUID, body: CaregiverUpdate) -> CaregiverRead:
    """Change what a caregiver may do, from their next request on."""
    return caregivers.change_consent(
        current_session(), actor=current_actor(), caregiver_id=caregiver_id, data=body
    )


@blueprint.delete("/caregivers/<uuid:caregiver_id>")
@api(permission=SHARE, answers={204: None}, writes=True)
def withdraw_consent(caregiver_id: UUID) -> None:
    """Take an invitation or a consent back; the caregiver can end it as well."""
    caregivers.withdraw_consent(current_session(), actor=current_actor(), caregiver_id=caregiver_id)


@blueprint.post("/caregivers/accept")
@api(permission=SHARE, body=SecretLink, answers={204: None}, errors=[404, 409], writes=True)
def accept_invitation(body: SecretLink) -> None:
    """Accept an invitation to look after somebody."""
    caregivers.accept_invitation(current_session(), actor=current_actor(), token=body.token)


@blueprint.get("/caregivers/people")
@api(permission=SHARE, answers={200: Listing[PersonRead]})
def list_people() -> Listing[PersonRead]:
    """List the people one looks after in this hospital."""
    found = people.list_people(current_session(), actor=current_actor())
    return Listing[PersonRead](items=found)


@blueprint.post("/dependants")
@api(permission=SHARE, body=DependantCreate, answers={201: PersonRead}, errors=[409], writes=True)
def create_dependant(body: DependantCreate) -> PersonRead:
    """Open a record for a child, or for an adult who cannot keep it."""
    return dependants.create_dependant(current_session(), actor=current_actor(), data=body)


@blueprint.patch("/dependants/<uuid:dependant_id>")
@api(permission=SHARE, body=DependantUpdate, answers={200: PersonRead}, writes=True)
def change_end(dependant_id: UUID, body: DependantUpdate) -> PersonRead:
    """Move the last day of deciding for somebody."""
    return dependants.change_end(
        current_session(), actor=current_actor(), dependant_id=dependant_id, data=body
    )


@blueprint.post("/dependants/<uuid:dependant_id>/handover")
@api(permission=SHARE, body=HandoverCreate, answers={201: HandoverOffered}, writes=True)
def offer_handover(dependant_id: UUID, body: HandoverCreate) -> HandoverOffered:
    """Send whoever the record is about a link to take it over."""
    return dependants.offer_handover(
        current_session(), actor=current_actor(), dependant_id=dependant_id, data=body
    )


@blueprint.post("/dependants/takeover")
@api(permission=SHARE, body=HandoverAccept, answers={204: None}, errors=[404, 409], writes=True)
def take_over(body: HandoverAccept) -> None:
    """Take over the record that somebody kept for one."""
    dependants.take_over(current_session(), actor=current_actor(), data=body)
