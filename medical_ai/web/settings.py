"""The page from which everything about an account is reached, and the list of notices."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core.http import current_actor, current_session, current_settings
from medical_ai.core.pages import page
from medical_ai.notifications import service as notifications
from medical_ai.notifications.wording import WORDINGS
from medical_ai.tenancy import service as tenancy

blueprint = Blueprint("settings", __name__)


@blueprint.get("/app/settings")
@page()
def settings_page() -> ResponseReturnValue:
    """Show who is signed in and what can be set."""
    hospital = tenancy.get_hospital(current_session(), current_actor().tenant_id)
    return render_template(
        "web/settings.html",
        account=current_account(),
        hospital_name=hospital.name,
        asks_for_verification=current_settings().asks_for_verification != "off",
    )


@blueprint.get("/app/notices")
@page(permission=Permission.NOTICE_READ)
def notices_page() -> ResponseReturnValue:
    """Show what happened to the account and its record, the latest first."""
    found = notifications.list_notices(current_session(), actor=current_actor())
    told = [(notice, WORDINGS[notice.kind]) for notice in found if notice.kind in WORDINGS]
    zone = current_account().timezone
    return render_template("web/notices.html", notices=told, zone=zone)


@blueprint.post("/app/notices/read")
@page(permission=Permission.NOTICE_READ, writes=True)
def mark_notices_read() -> ResponseReturnValue:
    """Mark every notice as seen."""
    notifications.mark_read(current_session(), actor=current_actor(), kinds=tuple(WORDINGS))
    return redirect(url_for(".notices_page"), 303)
