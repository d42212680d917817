"""The ward endpoints of the JSON API: staff and patients of a ward come from two packages."""

from uuid import UUID

from flask import Blueprint
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission
from medical_ai.auth.staff_schemas import WardCreate, WardRead, WardUpdate
from medical_ai.core.actor import Actor
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing
from medical_ai.patients import occupancy
from medical_ai.tenancy.schemas import WardRef

blueprint = Blueprint("wards_api", __name__, url_prefix="/admin")


@blueprint.get("/wards")
@api(permission=Permission.STAFF_MANAGE, answers={200: Listing[WardRead]})
def list_wards() -> Listing[WardRead]:
    """List the wards of one's hospital, closed ones too, with how many are on each."""
    return Listing[WardRead](items=wards_with_counts(current_session(), current_actor()))


@blueprint.post("/wards")
@api(
    permission=Permission.STAFF_MANAGE,
    body=WardCreate,
    answers={201: WardRead},
    errors=[409],
    writes=True,
)
def create_ward(body: WardCreate) -> WardRead:
    """Open a ward. Its name is used once in a hospital."""
    ward = auth.create_ward(current_session(), actor=current_actor(), data=body)
    return _read(ward, staff=0, patients=0)


@blueprint.patch("/wards/<uuid:ward_id>")
@api(
    permission=Permission.STAFF_MANAGE,
    body=WardUpdate,
    answers={200: WardRead},
    errors=[409],
    writes=True,
)
def change_ward(ward_id: UUID, body: WardUpdate) -> WardRead:
    """Rename a ward, close it, or open it again.

    Closing ends everybody's work on it, and is refused while patients are on it.
    """
    session, actor = current_session(), current_actor()
    ward, staff = auth.change_ward(session, actor=actor, ward_id=ward_id, data=body)
    patients = occupancy.count_on_wards(session, hospital_id=actor.tenant_id)
    return _read(ward, staff=staff, patients=patients.get(ward_id, 0))


def wards_with_counts(session: Session, actor: Actor) -> list[WardRead]:
    """Return every ward of the actor's hospital with its counts."""
    found = auth.list_wards(session, actor=actor, include_closed=True)
    patients = occupancy.count_on_wards(session, hospital_id=actor.tenant_id)
    return [_read(ward, staff=staff, patients=patients.get(ward.id, 0)) for ward, staff in found]


def _read(ward: WardRef, *, staff: int, patients: int) -> WardRead:
    return WardRead(
        id=ward.id, name=ward.name, is_open=ward.is_open, staff=staff, patients=patients
    )
