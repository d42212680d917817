"""The staff endpoints of the JSON API, for a hospital's administrators."""

from uuid import UUID

from flask import Blueprint

from medical_ai.auth import service
from medical_ai.auth.permissions import Permission
from medical_ai.auth.schemas import PermissionChange, RoleRead
from medical_ai.auth.staff_schemas import (
    InvitationCreate,
    InvitationCreated,
    InvitationRead,
    StaffQuery,
    StaffRead,
    StaffUpdate,
)
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing

blueprint = Blueprint("staff_api", __name__, url_prefix="/admin")


@blueprint.get("/staff")
@api(
    permission=Permission.STAFF_MANAGE,
    query=StaffQuery,
    answers={200: Listing[StaffRead]},
    errors=[404],
)
def list_staff(query: StaffQuery) -> Listing[StaffRead]:
    """List the staff of one's hospital in order of their names."""
    found = service.list_staff(current_session(), actor=current_actor(), after_id=query.cursor)
    is_full = len(found) == service.STAFF_PAGE_SIZE
    return Listing[StaffRead](items=found, next=str(found[-1].id) if is_full else None)


@blueprint.patch("/staff/<uuid:membership_id>")
@api(
    permission=Permission.STAFF_MANAGE,
    body=StaffUpdate,
    answers={200: StaffRead},
    errors=[409],
    writes=True,
)
def change_member(membership_id: UUID, body: StaffUpdate) -> StaffRead:
    """Change somebody's role or wards, suspend them, or let them in again.

    Another role and a suspension end their sessions in this hospital at once. The last active
    administrator cannot lose either.
    """
    return service.change_member(
        current_session(), actor=current_actor(), membership_id=membership_id, data=body
    )


@blueprint.delete("/staff/<uuid:membership_id>")
@api(permission=Permission.STAFF_MANAGE, answers={204: None}, errors=[409], writes=True)
def remove_member(membership_id: UUID) -> None:
    """Take somebody off the staff. Their account stays; the last administrator stays, too."""
    service.remove_member(current_session(), actor=current_actor(), membership_id=membership_id)


@blueprint.get("/staff/invitations")
@api(permission=Permission.STAFF_MANAGE, answers={200: Listing[InvitationRead]})
def list_invitations() -> Listing[InvitationRead]:
    """List the invitations that wait for an answer, the newest first."""
    found = service.list_invitations(current_session(), actor=current_actor())
    return Listing[InvitationRead](items=found)


@blueprint.post("/staff/invitations")
@api(
    permission=Permission.STAFF_MANAGE,
    body=InvitationCreate,
    answers={201: InvitationCreated},
    errors=[409],
    writes=True,
)
def invite(body: InvitationCreate) -> InvitationCreated:
    """Invite somebody onto the staff by e-mail; an earlier invitation to the address ends."""
    return service.invite(current_session(), actor=current_actor(), data=body)


@blueprint.delete("/staff/invitations/<uuid:invitation_id>")
@api(permission=Permission.STAFF_MANAGE, answers={204: None}, writes=True)
def withdraw_invitation(invitation_id: UUID) -> None:
    """Take an invitation back; its link is dead at once."""
    service.withdraw_invitation(
        current_session(), actor=current_actor(), invitation_id=invitation_id
    )


@blueprint.get("/roles")
@api(permission=Permission.STAFF_MANAGE, answers={200: Listing[RoleRead]})
def list_roles() -> Listing[RoleRead]:
    """List the roles with what each may do in one's hospital."""
    found = service.list_roles(current_session(), actor=current_actor())
    return Listing[RoleRead](items=found)


@blueprint.patch("/roles/<role>")
@api(
    permission=Permission.STAFF_MANAGE,
    body=PermissionChange,
    answers={200: RoleRead},
    errors=[404, 409],
    writes=True,
)
def change_role(role: str, body: PermissionChange) -> RoleRead:
    """Withdraw a permission from a role in one's hospital, or give it back.

    A withdrawal holds at the next request of everybody in that role. What is given back comes with
    their next access token.
    """
    return service.set_permission(
        current_session(),
        actor=current_actor(),
        role=role,
        permission=body.permission,
        granted=body.granted,
    )
