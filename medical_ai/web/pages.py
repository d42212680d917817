"""The pages that join domains: landing, today, and the API reference."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai import __version__
from medical_ai.auth.cookies import cookie_name
from medical_ai.auth.guards import REFRESH_COOKIE, current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.http import current_actor, current_session, current_settings
from medical_ai.core.markdown import render_markdown
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger
from medical_ai.medications import service as medications
from medical_ai.medications.schemas import DoseRead
from medical_ai.notifications import service as notifications
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef
from medical_ai.web.reference import groups_of, shapes_of
from medical_ai.web.today import Today, greeting_at, next_slot, reminders_of, spoken_wait
from medical_ai.web.told import list_alarms

blueprint = Blueprint("web", __name__)
blueprint.add_app_template_filter(render_markdown, "markdown")

REMINDED = timedelta(days=1)
"""A reminder nobody answered stays on top until the next day is over; then the history tells."""
AHEAD = timedelta(days=2)
"""How far past today the next dose is looked for."""


@blueprint.app_template_filter("in_zone")
def in_zone(moment: datetime, zone: str) -> datetime:
    """Return a moment on the wall clock of a zone."""
    return moment.astimezone(zone_of(zone))


@blueprint.app_context_processor
def _layout() -> dict[str, Any]:
    return {"app_version": __version__}


@blueprint.get("/")
@page()
def landing() -> ResponseReturnValue:
    """Say what this is; whoever is signed in goes on to their day."""
    if cookie_name(current_settings(), REFRESH_COOKIE) in request.cookies:
        return redirect(url_for(".today"), 303)
    return render_template("web/landing.html")


@blueprint.get("/favicon.ico")
@page()
def favicon() -> ResponseReturnValue:
    """Return the icon at the address where browsers look by themselves."""
    return current_app.send_static_file("img/icon.svg")


@blueprint.get("/docs")
@page()
def api_reference() -> ResponseReturnValue:
    """Show the description of the API for people."""
    document = current_app.extensions["medical_ai.openapi"]
    return render_template(
        "web/reference.html",
        info=document["info"],
        groups=groups_of(document),
        shapes=shapes_of(document),
    )


@blueprint.get("/app/today")
@page()
def today() -> ResponseReturnValue:
    """Show the patient's day; staff without a record of their own are told so."""
    actor, permission = current_actor(), Permission.MEDICATION_READ
    # This is a look at the record; what the open page asks for by itself afterwards is not.
    is_allowed = actor.may(permission)
    patient = is_allowed and patients.open_own_patient(current_session(), actor, permission)
    if not patient:
        return render_template("web/today_staff.html", **_alarms())
    return render_template("web/today.html", **_shown(patient))


@blueprint.get("/app/today/notices")
@page(permission=Permission.NOTICE_READ)
def today_notices() -> ResponseReturnValue:
    """Return what changes by itself; the open page asks for it again and again."""
    patient = _find_patient()
    if patient is None:
        return Response(status=204)
    return render_template("web/_live.html", **_shown(patient))


def _find_patient() -> PatientRef | None:
    actor = current_actor()
    if not actor.may(Permission.MEDICATION_READ):
        return None
    return patients.find_own_patient(current_session(), actor)


def _shown(patient: PatientRef) -> dict[str, Any]:
    return {"today": _today(patient), "wait": spoken_wait} | _alarms()


def _alarms() -> dict[str, Any]:
    found = list_alarms(current_session(), actor=current_actor())
    return {"alarms": found, "zone": current_account().timezone}


def _today(patient: PatientRef) -> Today:
    session, actor, now = current_session(), current_actor(), clock.now()
    local = now.astimezone(zone_of(patient.home_zone))
    start, end = ledger.day_bounds(patient, now)
    around = ledger.list_doses(
        session, actor=actor, patient=patient, start=start - REMINDED, end=end + AHEAD
    )
    unread = notifications.list_notices(session, actor=actor, unread_only=True)
    reminders = reminders_of(around, {notice.subject_id for notice in unread})
    doses = [dose for dose in around if start <= dose.due_at < end]
    return Today(
        date=local.date(),
        now=now,
        greeting=greeting_at(local),
        reminders=reminders,
        next_slot=next_slot(around, reminders=reminders, since=start, now=now),
        doses=doses,
        has_medicines=_has_medicines(patient, around),
    )


def _has_medicines(patient: PatientRef, doses: list[DoseRead]) -> bool:
    if doses:
        return True
    found = medications.list_medications(current_session(), actor=current_actor(), patient=patient)
    return bool(found)
