"""The pages about the people one looks after: their day, their medicines, their history."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger
from medical_ai.medications import service as medications
from medical_ai.medications.answers import is_answerable, is_early
from medical_ai.medications.forms import MedicineForm, medicine_to_add, typed_medicine
from medical_ai.medications.history import days_with_doses, history_of, spans
from medical_ai.medications.schemas import MAX_TIMES, DoseRead
from medical_ai.patients import dependants, people
from medical_ai.patients.care_schemas import (
    DependantCreate,
    DependantUpdate,
    HandoverCreate,
    PersonRead,
)
from medical_ai.patients.consent import SPOKEN_ALARMS, Share
from medical_ai.patients.redaction import redact_each, viewer_of
from medical_ai.patients.schemas import CareKind, PatientRef
from medical_ai.web.told import list_alarms

blueprint = Blueprint("people", __name__)
SHARE, READ, WRITE = (
    Permission.CARE_SHARE,
    Permission.MEDICATION_READ,
    Permission.MEDICATION_WRITE,
)
SENTENCES = {
    "name": "Use a name of at most 100 letters, or leave it empty.",
    "birth_date": "Enter the date of birth as a date.",
    "relationship": "Choose whether it is a child or an adult.",
    "ends_on": "Enter the last day as a date.",
    "email": "Enter an e-mail address, such as name@example.org.",
}

ABOUT_SOMEBODY = ("name", "birth_date", "relationship", "ends_on")


@blueprint.get("/app/people")
@page(permission=SHARE)
def people_page() -> ResponseReturnValue:
    """Show whom one looks after."""
    session, actor = current_session(), current_actor()
    return render_template(
        "people/list.html",
        people=people.list_people(session, actor=actor),
        alarms=list_alarms(session, actor=actor),
        zone=current_account().timezone,
    )


@blueprint.get("/app/people/new")
@page(permission=SHARE)
def new_page() -> ResponseReturnValue:
    """Show the form for a child's record, or an adult's who cannot keep it."""
    return render_template("people/new.html", typed={}, zone=current_account().timezone)


@blueprint.post("/app/people")
@page(permission=SHARE, writes=True)
def create() -> ResponseReturnValue:
    """Open the record; it lives by the clock of whoever opens it."""
    typed = {
        name: request.form.get(name, "").strip() or None for name in SENTENCES if name != "email"
    }
    zone = current_account().timezone
    try:
        data = read_form(DependantCreate, typed | {"timezone": zone}, sentences=SENTENCES)
        added = dependants.create_dependant(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("people/new.html", error, typed=typed, zone=zone)
    flash("The record is there. Add the medicines next.", "success")
    return redirect(url_for(".person_page", code=added.code), 303)


@blueprint.get("/app/people/<code>")
@page(permission=SHARE)
def person_page(code: str) -> ResponseReturnValue:
    """Show somebody's medicines and their day, as far as one may see them."""
    return render_template("people/person.html", **_person(code))


@blueprint.get("/app/people/<code>/history")
@page(permission=SHARE)
def history_page(code: str) -> ResponseReturnValue:
    """Show somebody's last 30 days."""
    person, patient = _open(code, READ)
    now = clock.now()
    today = now.astimezone(zone_of(patient.home_zone)).date()
    doses = [dose for first, after in spans(today) for dose in _doses(patient, first, after)]
    history = history_of(doses, today=today, now=now)
    return render_template(
        "people/history.html",
        person=person,
        history=history,
        days=days_with_doses(history.days),
        today=today,
    )


@blueprint.get("/app/people/<code>/medications/new")
@page(permission=WRITE)
def new_medicine_page(code: str) -> ResponseReturnValue:
    """Show the empty medicine form for somebody one decides for."""
    person, _ = _open(code, WRITE)
    return render_template("people/medicine.html", form=MedicineForm(), **_for_form(person))


@blueprint.post("/app/people/<code>/medications")
@page(permission=WRITE, writes=True)
def add_medicine(code: str) -> ResponseReturnValue:
    """Add a medicine to the list of somebody one decides for."""
    person, patient = _open(code, WRITE)
    form = typed_medicine(request.form)
    if "another_time" in request.form:
        longer = form.with_another_time()
        return render_template("people/medicine.html", form=longer, **_for_form(person))
    try:
        medications.add_medication(
            current_session(),
            actor=current_actor(),
            patient=patient,
            data=medicine_to_add(form),
        )
    except DomainError as error:
        return form_again("people/medicine.html", error, form=form, **_for_form(person))
    flash("The medicine is on the list.", "success")
    return redirect(url_for(".person_page", code=code), 303)


@blueprint.post("/app/people/<code>/end")
@page(permission=SHARE, writes=True)
def change_end(code: str) -> ResponseReturnValue:
    """Move the last day of deciding for somebody."""
    person = people.get_person(current_session(), actor=current_actor(), code=code)
    typed = {"ends_on": request.form.get("ends_on", "").strip()}
    try:
        dependants.change_end(
            current_session(),
            actor=current_actor(),
            dependant_id=person.id,
            data=read_form(DependantUpdate, typed, sentences=SENTENCES),
        )
    except DomainError as error:
        return form_again("people/person.html", error, **_person(code))
    flash("The last day is changed.", "success")
    return redirect(url_for(".person_page", code=code), 303)


@blueprint.post("/app/people/<code>/handover")
@page(permission=SHARE, writes=True)
def offer_handover(code: str) -> ResponseReturnValue:
    """Offer somebody their own record; where there is no mail, the link is shown this once."""
    person = people.get_person(current_session(), actor=current_actor(), code=code)
    typed = {"email": request.form.get("email", "")}
    try:
        offered = dependants.offer_handover(
            current_session(),
            actor=current_actor(),
            dependant_id=person.id,
            data=read_form(HandoverCreate, typed, sentences=SENTENCES),
        )
    except DomainError as error:
        return form_again("people/person.html", error, **_person(code))
    back = url_for(".person_page", code=code)
    if offered.link is not None:
        return render_template(
            "care/link.html",
            link=offered.link,
            email=offered.email,
            back=back,
            back_to=person.name,
        )
    flash("The link is on its way. The record stays with you until it is taken over.", "success")
    return redirect(back, 303)


def _open(code: str, permission: Permission) -> tuple[PersonRead, PatientRef]:
    return people.open_person(
        current_session(), actor=current_actor(), code=code, permission=permission
    )


def _person(code: str) -> dict[str, Any]:
    session, actor, now = current_session(), current_actor(), clock.now()
    person = people.get_person(session, actor=actor, code=code)
    shown: dict[str, Any] = {"medicines": [], "doses": []}
    if Share.MEDICINES in person.shares:
        _, patient = _open(code, READ)
        viewer = viewer_of(actor, patient)
        found = medications.list_medications(session, actor=actor, patient=patient)
        doses = ledger.list_doses(session, actor=actor, patient=patient)
        shown = {
            "medicines": redact_each(found, "medication", viewer),
            "doses": redact_each(doses, "dose", viewer),
        }
    return shown | {
        "person": person,
        "is_proxy": person.kind is CareKind.PROXY,
        "may_answer": Share.ANSWER_DOSES in person.shares,
        "can_mark": {
            dose.id
            for dose in shown["doses"]
            if is_answerable(dose.due_at, now) and not is_early(dose.due_at, now)
        },
        "now": now,
        "alarm_words": SPOKEN_ALARMS,
    }


def _doses(patient: PatientRef, first: date, after: date) -> list[DoseRead]:
    zone = zone_of(patient.home_zone)
    return ledger.list_doses(
        current_session(),
        actor=current_actor(),
        patient=patient,
        start=ledger.bounds_of(first, zone)[0],
        end=ledger.bounds_of(after, zone)[0],
    )


def _for_form(person: PersonRead) -> dict[str, Any]:
    return {"person": person, "zone": person.home_zone, "max_times": MAX_TIMES}
