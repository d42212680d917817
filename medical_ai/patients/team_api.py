"""The JSON endpoints of who looks after a patient, on which ward, and in which emergency."""

from uuid import UUID

from flask import Blueprint

from medical_ai.auth.permissions import Permission
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.patients import break_glass, care_team, ward_stays
from medical_ai.patients.schemas import (
    BreakGlassCreate,
    BreakGlassQuery,
    BreakGlassRead,
    BreakGlassReview,
    CareCreate,
    CareMember,
    WardStayRead,
    WardStayUpdate,
)

blueprint = Blueprint("team_api", __name__)


@blueprint.get("/records/care-team")
@api(permission=Permission.CARE_TEAM_READ, answers={200: Listing[CareMember]}, errors=[404])
def list_own_care_team() -> Listing[CareMember]:
    """List who looks after one."""
    found = care_team.list_own_care_team(current_session(), actor=current_actor())
    return Listing[CareMember](items=found)


@blueprint.post("/records/care-team/<uuid:care_id>/objection")
@api(permission=Permission.PATIENT_WRITE, answers={204: None}, writes=True)
def object_to_care(care_id: UUID) -> None:
    """Ask for somebody's care to end; the administrators are told."""
    care_team.object_to_care(current_session(), actor=current_actor(), care_id=care_id)


@blueprint.get("/patients/<code>/care-team")
@api(permission=Permission.CARE_TEAM_READ, answers={200: Listing[CareMember]})
def list_care_team(code: str) -> Listing[CareMember]:
    """List who looks after a patient."""
    found = care_team.list_care_team(current_session(), actor=current_actor(), code=code)
    return Listing[CareMember](items=found)


@blueprint.post("/patients/<code>/care-team")
@api(
    permission=Permission.CARE_TEAM_MANAGE,
    body=CareCreate,
    answers={201: CareMember},
    errors=[409],
    writes=True,
)
def add_care(code: str, body: CareCreate) -> CareMember:
    """Let a colleague look after a patient, who is told."""
    return care_team.add_care(current_session(), actor=current_actor(), code=code, email=body.email)


@blueprint.delete("/patients/<code>/care-team/<uuid:care_id>")
@api(permission=Permission.CARE_TEAM_MANAGE, answers={204: None}, writes=True)
def end_care(code: str, care_id: UUID) -> None:
    """Let a colleague's care for a patient end."""
    care_team.end_care(current_session(), actor=current_actor(), code=code, care_id=care_id)


@blueprint.put("/patients/<code>/ward-stay")
@api(
    permission=Permission.WARD_STAY_WRITE,
    body=WardStayUpdate,
    answers={200: WardStayRead},
    writes=True,
)
def set_ward(code: str, body: WardStayUpdate) -> WardStayRead:
    """Say which ward a patient is on from now on; null where they leave."""
    return ward_stays.set_ward(current_session(), actor=current_actor(), code=code, data=body)


@blueprint.post("/patients/<code>/break-glass")
@api(
    permission=Permission.BREAK_GLASS,
    body=BreakGlassCreate,
    answers={201: BreakGlassRead},
    errors=[409, 429],
    writes=True,
)
def open_glass(code: str, body: BreakGlassCreate) -> BreakGlassRead:
    """Open a record outside one's care in an emergency; the patient is told at once."""
    return break_glass.break_glass(
        current_session(), actor=current_actor(), code=code, reason=body.reason
    )


@blueprint.delete("/patients/<code>/break-glass")
@api(permission=Permission.BREAK_GLASS, answers={204: None}, writes=True)
def close_glass(code: str) -> None:
    """Close a record again that one opened in an emergency."""
    break_glass.close_glass(current_session(), actor=current_actor(), code=code)


@blueprint.get("/admin/break-glass")
@api(
    permission=Permission.BREAK_GLASS_REVIEW,
    query=BreakGlassQuery,
    answers={200: Listing[BreakGlassReview]},
)
def list_openings(query: BreakGlassQuery) -> Listing[BreakGlassReview]:
    """List the records that were opened in emergencies, with the reasons."""
    found, following = break_glass.list_openings(
        current_session(), actor=current_actor(), before=query.cursor
    )
    return Listing[BreakGlassReview](items=found, next=following)


@blueprint.post("/admin/break-glass/<uuid:grant_id>/review")
@api(permission=Permission.BREAK_GLASS_REVIEW, answers={204: None}, writes=True)
def review_opening(grant_id: UUID) -> None:
    """Say that the opening of a record was looked into."""
    break_glass.mark_reviewed(current_session(), actor=current_actor(), grant_id=grant_id)
