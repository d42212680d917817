"""The hospital's log for its administrators: over the API, and as a page."""

from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.audit.tags import AuditTag, Outcome
from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.api import api
from medical_ai.core.errors import InvalidInput
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.schemas import Listing
from medical_ai.core.zones import zone_of
from medical_ai.web.access_groups import days_of
from medical_ai.web.access_words import DEEDS, RESOURCES, STAFF
from medical_ai.web.audit_alarms import list_alarms
from medical_ai.web.audit_log import AuditQuery, AuditRead, search_audit

blueprint = Blueprint("audit", __name__)

SENTENCES = {
    "patient": "A patient's code has five letters or more, such as NUGWI.",
    "person": "Write an e-mail address or a name.",
    "body": "The last day is before the first.",
    "from": "Choose a day.",
    "to": "Choose a day.",
}
OUTCOMES = {
    Outcome.DONE: "Done",
    Outcome.REFUSED: "Refused",
    Outcome.FAILED: "Failed",
    Outcome.ALARM: "Alarm",
}


@blueprint.get("/audit")
@api(permission=Permission.AUDIT_READ, query=AuditQuery, answers={200: Listing[AuditRead]})
def search(query: AuditQuery) -> Listing[AuditRead]:
    """Search the log of one's hospital, the newest first."""
    return search_audit(current_session(), actor=current_actor(), query=query)


@blueprint.get("/app/audit")
@page(permission=Permission.AUDIT_READ)
def search_page() -> ResponseReturnValue:
    """Show the alarms and the log of one's hospital, with a form to search it."""
    typed: dict[str, Any] = {name: one.strip() for name, one in request.args.items() if one.strip()}
    session, actor = current_session(), current_actor()
    context: dict[str, Any] = {
        "typed": typed,
        "alarms": list_alarms(session, actor=actor),
        "zone": current_account().timezone,
        "deeds": _deeds(),
        "outcomes": OUTCOMES,
    }
    try:
        query = read_form(AuditQuery, _moments(typed), sentences=SENTENCES)
    except InvalidInput as error:
        return form_again("web/audit.html", error, days=None, **context)
    found = search_audit(session, actor=actor, query=query)
    earlier = url_for(".search_page", **(typed | {"cursor": found.next})) if found.next else ""
    today = clock.now().astimezone(zone_of(context["zone"])).date()
    days = days_of(found.items, zone=context["zone"], today=today)
    return render_template(
        "web/audit.html", days=days, earlier=earlier, problems={}, error="", **context
    )


def _moments(typed: dict[str, str]) -> dict[str, Any]:
    """Turn days of the person's own calendar into moments; the last day is included."""
    zone = zone_of(current_account().timezone)
    values: dict[str, Any] = dict(typed) | (
        {"patient": typed["patient"].upper()} if "patient" in typed else {}
    )
    for name, more in (("from", timedelta()), ("to", timedelta(days=1))):
        if name in typed:
            try:
                day = date.fromisoformat(typed[name]) + more
            except (ValueError, OverflowError):
                continue  # the shape says that it is no moment
            values[name] = datetime.combine(day, time(), zone).isoformat()
    return values


def _deeds() -> dict[str, str]:
    said = {"whose": STAFF.whose, "whom": STAFF.whom, "resource": RESOURCES["record"]}
    return {tag.value: DEEDS[tag].format(**said).capitalize() for tag in AuditTag}
