"""The pages of a hospital's wards, for its administrators."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission
from medical_ai.auth.staff_schemas import WardCreate, WardUpdate
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.web.wards_api import wards_with_counts

blueprint = Blueprint("wards", __name__)

SENTENCES = {"name": "Give the ward a name of at most 100 letters."}


@blueprint.get("/app/wards")
@page(permission=Permission.STAFF_MANAGE)
def list_page() -> ResponseReturnValue:
    """Show the wards, and the form for another one."""
    return render_template("web/wards.html", **_wards(), typed={})


@blueprint.post("/app/wards")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def create() -> ResponseReturnValue:
    """Open a ward."""
    typed = {"name": request.form.get("name", "")}
    try:
        data = read_form(WardCreate, typed, sentences=SENTENCES)
        auth.create_ward(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("web/wards.html", error, **_wards(), typed=typed)
    flash("The ward is open. Put staff on it from the staff list.", "success")
    return redirect(url_for(".list_page"), 303)


@blueprint.get("/app/wards/<uuid:ward_id>")
@page(permission=Permission.STAFF_MANAGE)
def ward_page(ward_id: UUID) -> ResponseReturnValue:
    """Show one ward and what can be changed."""
    return render_template("web/ward.html", ward=_ward(ward_id), typed={})


@blueprint.post("/app/wards/<uuid:ward_id>")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def rename(ward_id: UUID) -> ResponseReturnValue:
    """Give a ward another name."""
    return _change(ward_id, {"name": request.form.get("name", "")}, "Saved.")


@blueprint.post("/app/wards/<uuid:ward_id>/close")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def close(ward_id: UUID) -> ResponseReturnValue:
    """Close a ward: nobody works on it any more."""
    return _change(ward_id, {"is_open": False}, "The ward is closed. Nobody works on it any more.")


@blueprint.post("/app/wards/<uuid:ward_id>/open")
@page(permission=Permission.STAFF_MANAGE, writes=True)
def reopen(ward_id: UUID) -> ResponseReturnValue:
    """Open a closed ward again."""
    return _change(ward_id, {"is_open": True}, "The ward is open again.")


def _change(ward_id: UUID, values: dict[str, Any], done: str) -> ResponseReturnValue:
    try:
        data = read_form(WardUpdate, values, sentences=SENTENCES)
        auth.change_ward(current_session(), actor=current_actor(), ward_id=ward_id, data=data)
    except DomainError as error:
        return form_again("web/ward.html", error, ward=_ward(ward_id), typed=values)
    flash(done, "success")
    return redirect(url_for(".list_page"), 303)


def _wards() -> dict[str, Any]:
    found = wards_with_counts(current_session(), current_actor())
    return {
        "open_wards": [one for one in found if one.is_open],
        "closed_wards": [one for one in found if not one.is_open],
    }


def _ward(ward_id: UUID) -> Any:
    found = wards_with_counts(current_session(), current_actor())
    ward = next((one for one in found if one.id == ward_id), None)
    if ward is None:
        raise NotFound
    return ward
