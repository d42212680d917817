"""The page from which everything about an account is reached, and the list of notices."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service as auth
from medical_ai.auth.guards import current_account, keep_signed_in
from medical_ai.auth.permissions import Permission
from medical_ai.auth.schemas import HospitalSwitch
from medical_ai.core.forms import read_form
from medical_ai.core.http import current_actor, current_session, current_settings
from medical_ai.core.pages import page
from medical_ai.notifications import service as notifications
from medical_ai.notifications.wording import WORDINGS
from medical_ai.patients import service as patients
from medical_ai.tenancy import service as tenancy
from medical_ai.web.told import more_about

blueprint = Blueprint("settings", __name__)


@blueprint.get("/app/settings")
@page()
def settings_page() -> ResponseReturnValue:
    """Show who is signed in and what can be set."""
    session, actor = current_session(), current_actor()
    return render_template(
        "web/settings.html",
        account=current_account(),
        hospital_name=tenancy.get_hospital(session, actor.tenant_id).name,
        hospitals=auth.list_hospitals(session, user_id=actor.user_id),
        has_record=patients.find_own_patient(session, actor) is not None,
        asks_for_verification=current_settings().asks_for_verification != "off",
    )


@blueprint.post("/app/hospital")
@page(writes=True)
def switch_hospital() -> ResponseReturnValue:
    """Go on in another of one's hospitals."""
    data = read_form(
        HospitalSwitch, {"hospital_id": request.form.get("hospital_id", "")}, sentences={}
    )
    granted = auth.switch_hospital(
        current_session(), actor=current_actor(), hospital_id=data.hospital_id
    )
    keep_signed_in(granted)
    flash(f"You are at {granted.user.hospital.name} now, as {granted.user.role}.", "success")
    return redirect(url_for("web.today"), 303)


@blueprint.get("/app/notices")
@page(permission=Permission.NOTICE_READ)
def notices_page() -> ResponseReturnValue:
    """Show what happened to the account and its record, the latest first."""
    found = notifications.list_notices(current_session(), actor=current_actor())
    told = [(notice, WORDINGS[notice.kind]) for notice in found if notice.kind in WORDINGS]
    zone = current_account().timezone
    more = more_about(current_session(), actor=current_actor(), notices=found, zone=zone)
    return render_template("web/notices.html", notices=told, more=more, zone=zone)


@blueprint.post("/app/notices/read")
@page(permission=Permission.NOTICE_READ, writes=True)
def mark_notices_read() -> ResponseReturnValue:
    """Mark every notice as seen."""
    notifications.mark_read(current_session(), actor=current_actor(), kinds=tuple(WORDINGS))
    return redirect(url_for(".notices_page"), 303)
