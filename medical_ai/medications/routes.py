"""The pages of medicines, doses and what became of them."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, local_page
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger, service
from medical_ai.medications.answers import answerable_from, is_answerable, is_early
from medical_ai.medications.forms import (
    MedicineForm,
    form_of,
    medicine_to_add,
    medicine_to_change,
    typed_medicine,
)
from medical_ai.medications.history import days_with_doses
from medical_ai.medications.recent import read_history
from medical_ai.medications.schemas import MAX_TIMES, MedicationRead
from medical_ai.medications.states import DoseStatus, MedicationStatus
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef

blueprint = Blueprint("medications", __name__)


@blueprint.get("/app/medications")
@page()
def list_page() -> ResponseReturnValue:
    """Show one's own medicines, the stopped ones apart."""
    patient = _find_own_patient()
    if patient is None:
        return _no_record()
    found = service.list_medications(
        current_session(), actor=current_actor(), patient=patient, include_stopped=True
    )
    active = [one for one in found if one.status is MedicationStatus.ACTIVE]
    stopped = [one for one in found if one.status is MedicationStatus.STOPPED]
    return render_template("medications/list.html", active=active, stopped=stopped)


@blueprint.get("/app/medications/new")
@page(permission=Permission.MEDICATION_WRITE)
def new_page() -> ResponseReturnValue:
    """Show the empty form."""
    return render_template("medications/new.html", form=MedicineForm(), **_for_form())


@blueprint.post("/app/medications")
@page(permission=Permission.MEDICATION_WRITE, writes=True)
def create() -> ResponseReturnValue:
    """Add a medicine; the button for another time only makes the form longer."""
    form = typed_medicine(request.form)
    if "another_time" in request.form:
        longer = form.with_another_time()
        return render_template("medications/new.html", form=longer, **_for_form())
    try:
        added = service.add_medication(
            current_session(),
            actor=current_actor(),
            patient=_own_patient(Permission.MEDICATION_WRITE),
            data=medicine_to_add(form),
        )
    except DomainError as error:
        return form_again("medications/new.html", error, form=form, **_for_form())
    flash("The medicine is on your list. Reminders will come at its times.", "success")
    return redirect(url_for(".detail_page", medication_id=added.id), 303)


@blueprint.get("/app/medications/<uuid:medication_id>")
@page(permission=Permission.MEDICATION_READ)
def detail_page(medication_id: UUID) -> ResponseReturnValue:
    """Show one medicine."""
    return render_template("medications/detail.html", medicine=_medicine(medication_id))


@blueprint.get("/app/medications/<uuid:medication_id>/edit")
@page(permission=Permission.MEDICATION_WRITE)
def edit_page(medication_id: UUID) -> ResponseReturnValue:
    """Show the form with what stands on the list."""
    medicine = _medicine(medication_id)
    form = form_of(medicine)
    return render_template("medications/edit.html", medicine=medicine, form=form, **_for_form())


@blueprint.post("/app/medications/<uuid:medication_id>/edit")
@page(permission=Permission.MEDICATION_WRITE, writes=True)
def change(medication_id: UUID) -> ResponseReturnValue:
    """Change a medicine."""
    medicine, form = _medicine(medication_id), typed_medicine(request.form)
    if "another_time" in request.form:
        form = form.with_another_time()
        return render_template("medications/edit.html", medicine=medicine, form=form, **_for_form())
    try:
        service.change_medication(
            current_session(),
            actor=current_actor(),
            medication_id=medication_id,
            data=medicine_to_change(form, medicine),
        )
    except DomainError as error:
        return form_again(
            "medications/edit.html", error, medicine=medicine, form=form, **_for_form()
        )
    flash("Your changes are saved.", "success")
    return redirect(url_for(".detail_page", medication_id=medication_id), 303)


@blueprint.get("/app/medications/<uuid:medication_id>/stop")
@page(permission=Permission.MEDICATION_WRITE)
def stop_page(medication_id: UUID) -> ResponseReturnValue:
    """Ask whether the medicine is really to be stopped."""
    return render_template("medications/stop.html", medicine=_medicine(medication_id))


@blueprint.post("/app/medications/<uuid:medication_id>/stop")
@page(permission=Permission.MEDICATION_WRITE, writes=True)
def stop(medication_id: UUID) -> ResponseReturnValue:
    """Stop a medicine; its history stays."""
    service.stop_medication(current_session(), actor=current_actor(), medication_id=medication_id)
    flash("The medicine is stopped. There will be no more reminders for it.", "success")
    return redirect(url_for(".list_page"), 303)


@blueprint.get("/app/doses/<uuid:dose_id>")
@page(permission=Permission.MEDICATION_READ)
def dose_page(dose_id: UUID) -> ResponseReturnValue:
    """Show one dose with the proof of its reminders."""
    dose = ledger.get_dose(current_session(), actor=current_actor(), dose_id=dose_id)
    now = clock.now()
    return render_template(
        "medications/dose.html",
        dose=dose,
        zone=zone_of(dose.zone),
        is_ahead=dose.due_at > now,
        is_early=is_early(dose.due_at, now),
        is_answerable=is_answerable(dose.due_at, now),
        answerable_from=answerable_from(dose),
    )


@blueprint.post("/app/doses/<uuid:dose_id>/taken")
@page(permission=Permission.DOSE_ANSWER, writes=True)
def take_dose(dose_id: UUID) -> ResponseReturnValue:
    """Mark a dose taken."""
    return _answer(dose_id, DoseStatus.TAKEN)


@blueprint.post("/app/doses/<uuid:dose_id>/skipped")
@page(permission=Permission.DOSE_ANSWER, writes=True)
def skip_dose(dose_id: UUID) -> ResponseReturnValue:
    """Mark a dose skipped."""
    return _answer(dose_id, DoseStatus.SKIPPED)


@blueprint.get("/app/history")
@page()
def history_page() -> ResponseReturnValue:
    """Show the last 30 days."""
    patient = _find_own_patient()
    if patient is None:
        return _no_record()
    history = read_history(
        current_session(), actor=current_actor(), patient=patient, now=clock.now()
    )
    days = days_with_doses(history.days)
    today = history.days[-1].date
    return render_template("medications/history.html", history=history, days=days, today=today)


def _answer(dose_id: UUID, status: DoseStatus) -> ResponseReturnValue:
    dose = ledger.get_dose(current_session(), actor=current_actor(), dose_id=dose_id)
    dose_page = url_for(".dose_page", dose_id=dose_id)
    if is_early(dose.due_at, clock.now()) and "early" not in request.form:
        flash("This dose is planned for later. Nothing was marked.", "info")
        return redirect(dose_page, 303)
    # The sentence names no medicine: it travels in a cookie that is signed but can be read.
    ledger.answer_dose(current_session(), actor=current_actor(), dose_id=dose_id, status=status)
    flash(f"Marked as {status.value}. You can change this at any time.", "success")
    return redirect(local_page(request.form.get("back"), otherwise=dose_page), 303)


def _medicine(medication_id: UUID) -> MedicationRead:
    return service.get_medication(
        current_session(), actor=current_actor(), medication_id=medication_id
    )


def _own_patient(permission: Permission) -> PatientRef:
    return patients.get_own_patient(current_session(), current_actor(), permission)


def _find_own_patient() -> PatientRef | None:
    actor = current_actor()
    if not actor.may(Permission.MEDICATION_READ):
        return None
    return patients.open_own_patient(current_session(), actor, Permission.MEDICATION_READ)


def _no_record() -> ResponseReturnValue:
    return render_template("shared/no_record.html"), NotFound.status


def _for_form() -> dict[str, Any]:
    patient = patients.find_own_patient(current_session(), current_actor())
    return {"zone": patient.home_zone if patient else "", "max_times": MAX_TIMES}
