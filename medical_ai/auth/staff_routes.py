"""The pages of a hospital's staff and roles, for its administrators."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import STAFF_ROLES, Permission, Role
from medical_ai.auth.schemas import PermissionChange
from medical_ai.auth.staff_schemas import InvitationCreate, StaffRead, StaffUpdate
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page

blueprint = Blueprint("staff", __name__)

SENTENCES = {
    "email": "Enter an e-mail address, such as name@example.org.",
    "role": "Choose a role.",
    "wards": "Choose wards from the list.",
}
ABOUT_ROLES = {
    Role.DOCTOR: "Reads the records of patients in their care.",
    Role.NURSE: "Reads the records of patients on their wards.",
    Role.BILLING: "Sees who a patient is and what an invoice needs, and nothing clinical.",
    Role.ADMINISTRATOR: "Manages staff, wards and roles, and reads no record.",
}


@blueprint.get("/app/staff")
@page(permission=Permission.STAFF_MANAGE)
def list_page() -> ResponseReturnValue:
    """Show who works in the hospital, and who is invited to."""
    session, actor = current_session(), current_actor()
    after = request.args.get("after", type=UUID)
    found = service.list_staff(session, actor=actor, after_id=after)
    return render_template(
        "auth/staff.html",
        staff=found,
        after=found[-1].id if len(found) == service.STAFF_PAGE_SIZE else None,
        invitations=service.list_invitations(session, actor=actor),
        zone=current_account().timezone,
    )


@blueprint.get("/app/staff/invite")
@page(permission=Permission.STAFF_MANAGE)
def invite_page() -> ResponseReturnValue:
    """Show the empty invitation."""
    return render_template("auth/staff_invite.html", typed={}, **_choices())


@blueprint.post("/app/staff/invite")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def invite() -> ResponseReturnValue:
    """Invite somebody; where no mail leaves, show the link this once."""
    typed = _typed("email", "role")
    try:
        data = read_form(InvitationCreate, typed, sentences=SENTENCES)
        created = service.invite(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("auth/staff_invite.html", error, typed=typed, **_choices())
    if created.link is None:
        flash("The invitation is on its way by e-mail. It holds for a week.", "success")
        return redirect(url_for(".list_page"), 303)
    return render_template("auth/staff_invited.html", invitation=created)


@blueprint.post("/app/staff/invitations/<uuid:invitation_id>/withdraw")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def withdraw(invitation_id: UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    service.withdraw_invitation(
        current_session(), actor=current_actor(), invitation_id=invitation_id
    )
    flash("The invitation is withdrawn. Its link does not work any more.", "info")
    return redirect(url_for(".list_page"), 303)


@blueprint.get("/app/staff/<uuid:membership_id>")
@page(permission=Permission.STAFF_MANAGE)
def member_page(membership_id: UUID) -> ResponseReturnValue:
    """Show one member of staff and what can be changed."""
    return render_template("auth/staff_member.html", **_member(membership_id))


@blueprint.post("/app/staff/<uuid:membership_id>")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def change(membership_id: UUID) -> ResponseReturnValue:
    """Change somebody's role and wards."""
    return _change(membership_id, _typed("role"), "Saved.")


@blueprint.post("/app/staff/<uuid:membership_id>/suspend")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def suspend(membership_id: UUID) -> ResponseReturnValue:
    """Shut somebody out until they are let in again."""
    return _change(membership_id, {"suspended": True}, "Suspended. They are signed out.")


@blueprint.post("/app/staff/<uuid:membership_id>/reinstate")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def reinstate(membership_id: UUID) -> ResponseReturnValue:
    """Let somebody in again."""
    return _change(membership_id, {"suspended": False}, "They can sign in again.")


@blueprint.post("/app/staff/<uuid:membership_id>/second-step")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def reset_second_step(membership_id: UUID) -> ResponseReturnValue:
    """Take the second step from a colleague who lost it."""
    try:
        service.reset_second_factor(
            current_session(), actor=current_actor(), membership_id=membership_id
        )
    except DomainError as error:
        return form_again("auth/staff_member.html", error, **_member(membership_id))
    flash("Their second step is taken away, and they are told. They set up a new one.", "success")
    return redirect(url_for(".member_page", membership_id=membership_id), 303)


@blueprint.get("/app/staff/<uuid:membership_id>/remove")
@page(permission=Permission.STAFF_MANAGE)
def remove_page(membership_id: UUID) -> ResponseReturnValue:
    """Ask whether somebody is really to be taken off the staff."""
    return render_template("auth/staff_remove.html", **_member(membership_id))


@blueprint.post("/app/staff/<uuid:membership_id>/remove")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def remove(membership_id: UUID) -> ResponseReturnValue:
    """Take somebody off the staff."""
    try:
        service.remove_member(current_session(), actor=current_actor(), membership_id=membership_id)
    except DomainError as error:
        return form_again("auth/staff_remove.html", error, **_member(membership_id))
    flash("They are off the staff list and signed out here.", "info")
    return redirect(url_for(".list_page"), 303)


@blueprint.get("/app/roles")
@page(permission=Permission.STAFF_MANAGE)
def roles_page() -> ResponseReturnValue:
    """Show what each role may do."""
    return render_template("auth/roles.html", roles=_roles(), about=ABOUT_ROLES)


@blueprint.post("/app/roles/<role>")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def change_role(role: str) -> ResponseReturnValue:
    """Withdraw a permission from a role or give it back."""
    try:
        data = read_form(PermissionChange, _typed("permission", "granted"), sentences={})
        service.set_permission(
            current_session(),
            actor=current_actor(),
            role=role,
            permission=data.permission,
            granted=data.granted,
        )
    except DomainError as error:
        return form_again("auth/roles.html", error, roles=_roles(), about=ABOUT_ROLES)
    flash("Given back." if data.granted else "Withdrawn, from the next request on.", "success")
    return redirect(url_for(".roles_page", _anchor=role), 303)


def _change(membership_id: UUID, values: dict[str, Any], done: str) -> ResponseReturnValue:
    try:
        data = read_form(StaffUpdate, values, sentences=SENTENCES)
        service.change_member(
            current_session(), actor=current_actor(), membership_id=membership_id, data=data
        )
    except DomainError as error:
        return form_again("auth/staff_member.html", error, **_member(membership_id))
    flash(done, "success")
    return redirect(url_for(".member_page", membership_id=membership_id), 303)


def _member(membership_id: UUID) -> dict[str, Any]:
    member: StaffRead = service.get_member(
        current_session(), actor=current_actor(), membership_id=membership_id
    )
    return {"member": member, "zone": current_account().timezone, **_choices()}


def _choices() -> dict[str, Any]:
    found = service.list_wards(current_session(), actor=current_actor())
    return {"wards": [ward for ward, _ in found], "roles": STAFF_ROLES, "about": ABOUT_ROLES}


def _roles() -> list[Any]:
    return service.list_roles(current_session(), actor=current_actor())


def _typed(*names: str) -> dict[str, Any]:
    typed: dict[str, Any] = {name: request.form[name] for name in names if name in request.form}
    return typed | ({"wards": request.form.getlist("wards")} if "role" in names else {})
