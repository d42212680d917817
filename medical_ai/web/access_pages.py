"""The page on which patients see who looked at their record."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.errors import NotFound
from medical_ai.core.forms import read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_of
from medical_ai.patients import service as patients
from medical_ai.web.access_api import zip_answer
from medical_ai.web.access_groups import days_of
from medical_ai.web.access_log import AccessQuery, list_access, list_visitors
from medical_ai.web.access_words import RESOURCES

blueprint = Blueprint("access", __name__)

SPANS = {7: "The last 7 days", 30: "The last 30 days", 90: "The last 90 days", 366: "A year"}


@blueprint.get("/app/access-log")
@page(permission=Permission.ACCESS_LOG_READ)
def log_page() -> ResponseReturnValue:
    """Show who looked at one's record, others first of all."""
    session, actor = current_session(), current_actor()
    patient = patients.find_own_patient(session, actor)
    if patient is None:
        raise NotFound
    chosen = {"who": "others"} | {name: one for name, one in request.args.items() if one}
    query = read_form(AccessQuery, chosen, sentences={})
    found = list_access(session, actor=actor, query=query)
    today = clock.now().astimezone(zone_of(patient.home_zone)).date()
    return render_template(
        "web/access_log.html",
        days=days_of(found.items, zone=patient.home_zone, today=today),
        query=query,
        following=found.next,
        visitors=list_visitors(session, actor=actor, days=query.days),
        resources=RESOURCES,
        spans=SPANS,
    )


@blueprint.get("/app/access-log/export")
@page(permission=Permission.ACCESS_LOG_READ)
def export() -> ResponseReturnValue:
    """Save one's own access log as a file."""
    return zip_answer()
