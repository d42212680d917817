"""The pages of staff: find a patient, open them, and break the glass where one must."""

import re
from datetime import date
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session, current_settings
from medical_ai.core.pages import page
from medical_ai.medications import ledger
from medical_ai.medications import service as medications
from medical_ai.medications.recent import read_history
from medical_ai.medications.schemas import spoken_day
from medical_ai.patients import break_glass, details, directory, ward_stays
from medical_ai.patients import service as patients
from medical_ai.patients.forms import SEXES, details_of, typed_details
from medical_ai.patients.redaction import redact_each, viewer_of
from medical_ai.patients.schemas import (
    Basis,
    BreakGlassCreate,
    PatientCreate,
    PatientRef,
    PatientsQuery,
)

ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
REASON = {"reason": "Write in a sentence why you need to see this record, in 10 to 500 characters."}
QUERY = {"query": "Enter a code or a name with 100 characters at most."}
WHY = {
    Basis.OWN: "It is your own record.",
    Basis.CARE_TEAM: "You look after this patient.",
    Basis.WARD: "This patient is on a ward of yours.",
    Basis.BREAK_GLASS: "You opened this record in an emergency.",
    Basis.HOSPITAL: "Your work concerns every patient of the hospital.",
}

blueprint = Blueprint("directory", __name__)


@blueprint.app_template_filter("day_in_words")
def day_in_words(text: str | None) -> str:
    """Return a date as a person says it, and what is none as it is."""
    return spoken_day(date.fromisoformat(text)) if text and ISO_DAY.fullmatch(text) else text or ""


@blueprint.get("/app/patients")
@page(permission=Permission.PATIENT_LIST)
def list_page() -> ResponseReturnValue:
    """Show the patients one deals with."""
    return _list({})


@blueprint.post("/app/patients")
@page(permission=Permission.PATIENT_LIST)
def search() -> ResponseReturnValue:
    """Show the patients who are called something; a name never stands in an address."""
    typed = {name: request.form.get(name, "").strip() for name in PatientsQuery.model_fields}
    return _list({name: text for name, text in typed.items() if text})


@blueprint.get("/app/patients/new")
@page(permission=Permission.PATIENT_REGISTER)
def register_page() -> ResponseReturnValue:
    """Show the form for a patient without an account."""
    zone = current_account().timezone
    return render_template("patients/new.html", form=typed_details({}), sexes=SEXES, zone=zone)


@blueprint.post("/app/patients/new")
@page(permission=Permission.PATIENT_REGISTER, writes=True)
def register() -> ResponseReturnValue:
    """Register a patient of the hospital."""
    form, zone = typed_details(request.form), current_account().timezone
    try:
        data = details_of(PatientCreate, form, timezone=zone)
        made = details.register_patient(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("patients/new.html", error, form=form, sexes=SEXES, zone=zone)
    flash("The patient is registered.", "success")
    return redirect(url_for(".patient_page", code=made.code), 303)


@blueprint.get("/app/patients/<code>")
@page(permission=Permission.PATIENT_READ)
def patient_page(code: str) -> ResponseReturnValue:
    """Show a patient as far as one's role may; a doctor without care is asked about the glass."""
    session, actor = current_session(), current_actor()
    try:
        patient = patients.get_patient_by_code_for(session, actor, code, Permission.PATIENT_READ)
    except NotFound:
        if actor.may(Permission.BREAK_GLASS) and directory.looks_like_a_code(code) == code:
            page = render_template("patients/outside.html", code=code)
            return make_response(page, NotFound.status)
        raise
    return render_template(
        "web/patient.html",
        patient=details.describe(session, actor=actor, patient=patient),
        why=WHY.get(patient.basis, WHY[Basis.CARE_TEAM]),
        sexes=SEXES,
        zone=current_account().timezone,
        ward=ward_stays.find_ward(session, patient=patient),
        **_medicines_of(patient),
    )


@blueprint.get("/app/patients/<code>/break-glass")
@page(permission=Permission.BREAK_GLASS)
def glass_page(code: str) -> ResponseReturnValue:
    """Say what happens when the glass is broken, and ask why."""
    return render_template("patients/break_glass.html", **_glass(code))


@blueprint.post("/app/patients/<code>/break-glass")
@page(permission=Permission.BREAK_GLASS, writes=True)
def open_glass(code: str) -> ResponseReturnValue:
    """Open a record in an emergency."""
    typed = request.form.get("reason", "")
    try:
        data = read_form(BreakGlassCreate, {"reason": typed.replace("\r\n", "\n")},
                         sentences=REASON)  # fmt: skip
        break_glass.break_glass(
            current_session(), actor=current_actor(), code=code, reason=data.reason
        )
    except DomainError as error:
        if error.keeps_work:
            raise  # the alarm is kept, and the page for it says how long to wait
        return form_again("patients/break_glass.html", error, typed=typed, **_glass(code))
    return redirect(url_for(".patient_page", code=code), 303)


@blueprint.post("/app/patients/<code>/break-glass/close")
@page(permission=Permission.BREAK_GLASS, writes=True)
def close_glass(code: str) -> ResponseReturnValue:
    """Close a record that was opened in an emergency."""
    break_glass.close_glass(current_session(), actor=current_actor(), code=code)
    flash("The record is closed again.", "success")
    return redirect(url_for(".list_page"), 303)


def _list(asked: dict[str, str]) -> ResponseReturnValue:
    context: dict[str, Any] = {"asked": asked, "code": "", "why": WHY}
    try:
        query = read_form(PatientsQuery, asked, sentences=QUERY)
        found, following = directory.list_patients(
            current_session(), actor=current_actor(), query=query
        )
    except DomainError as error:
        return form_again("patients/list.html", error, patients=[], following=None, **context)
    context["code"] = directory.looks_like_a_code(query.query)
    return render_template("patients/list.html", patients=found, following=following, **context)


def _glass(code: str) -> dict[str, Any]:
    return {"code": code, "minutes": current_settings().break_glass_minutes}


def _medicines_of(patient: PatientRef) -> dict[str, Any]:
    session, actor, now = current_session(), current_actor(), clock.now()
    if not actor.may(Permission.MEDICATION_READ):
        return {"medicines": None}
    viewer = viewer_of(actor, patient)
    found = medications.list_medications(session, actor=actor, patient=patient)
    doses = ledger.list_doses(session, actor=actor, patient=patient)
    return {
        "medicines": redact_each(found, "medication", viewer),
        "doses": redact_each(doses, "dose", viewer),
        "history": read_history(session, actor=actor, patient=patient, now=now),
        "now": now,
    }
