"""The pages of who a patient is, who looks after them, and records opened in emergencies."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import current_account
from medical_ai.auth.permissions import Permission
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.patients import break_glass, care_team, details, ward_stays
from medical_ai.patients import service as patients
from medical_ai.patients.forms import SEXES, details_of, shown_details, typed_details
from medical_ai.patients.schemas import BreakGlassQuery, CareCreate, Details, WardStayUpdate
from medical_ai.tenancy import wards

CARE_SENTENCES = {"email": "Enter the address that your colleague signs in with."}
WARD_SENTENCES = {"ward_id": "Choose a ward of the list."}

blueprint = Blueprint("patients", __name__)


@blueprint.get("/app/settings/details")
@page(permission=Permission.PATIENT_WRITE)
def details_page() -> ResponseReturnValue:
    """Show who one is, to be filled in or changed."""
    found = details.get_own_details(current_session(), actor=current_actor())
    return render_template("patients/details.html", form=shown_details(found), sexes=SEXES)


@blueprint.post("/app/settings/details")
@page(permission=Permission.PATIENT_WRITE, writes=True)
def change_details() -> ResponseReturnValue:
    """Keep who one is."""
    form = typed_details(request.form)
    try:
        data = details_of(Details, form)
        details.change_own_details(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("patients/details.html", error, form=form, sexes=SEXES)
    flash("Your details are saved.", "success")
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/care-team")
@page(permission=Permission.PATIENT_WRITE)
def own_care_team_page() -> ResponseReturnValue:
    """Show who looks after one, and who opened the record in an emergency."""
    session, actor = current_session(), current_actor()
    return render_template(
        "patients/own_care_team.html",
        team=care_team.list_own_care_team(session, actor=actor),
        openings=break_glass.list_own_openings(session, actor=actor),
        zone=current_account().timezone,
    )


@blueprint.post("/app/care-team/<uuid:care_id>/objection")
@page(permission=Permission.PATIENT_WRITE, writes=True)
def object_to_care(care_id: UUID) -> ResponseReturnValue:
    """Ask for somebody's care to end."""
    care_team.object_to_care(current_session(), actor=current_actor(), care_id=care_id)
    flash("Your hospital was told that you do not want this. They will talk with you.", "success")
    return redirect(url_for(".own_care_team_page"), 303)


@blueprint.get("/app/patients/<code>/care-team")
@page(permission=Permission.CARE_TEAM_READ)
def care_team_page(code: str) -> ResponseReturnValue:
    """Show who looks after a patient and on which ward they are."""
    return render_template("patients/care_team.html", **_care_of(code))


@blueprint.post("/app/patients/<code>/care-team")
@page(permission=Permission.CARE_TEAM_MANAGE, writes=True)
def add_care(code: str) -> ResponseReturnValue:
    """Let a colleague look after a patient."""
    try:
        data = read_form(CareCreate, {"email": request.form.get("email", "")},
                         sentences=CARE_SENTENCES)  # fmt: skip
        care_team.add_care(current_session(), actor=current_actor(), code=code, email=data.email)
    except DomainError as error:
        typed = request.form.get("email", "")
        return form_again("patients/care_team.html", error, typed=typed, **_care_of(code))
    flash("They look after this patient now, and the patient was told.", "success")
    return redirect(url_for(".care_team_page", code=code), 303)


@blueprint.post("/app/patients/<code>/care-team/<uuid:care_id>/end")
@page(permission=Permission.CARE_TEAM_MANAGE, writes=True)
def end_care(code: str, care_id: UUID) -> ResponseReturnValue:
    """Let a colleague's care end; who ends their own goes back to their patients."""
    session, actor = current_session(), current_actor()
    care_team.end_care(session, actor=actor, code=code, care_id=care_id)
    flash("The care has ended.", "success")
    return redirect(url_for("directory.list_page"), 303)


@blueprint.post("/app/patients/<code>/ward")
@page(permission=Permission.WARD_STAY_WRITE, writes=True)
def set_ward(code: str) -> ResponseReturnValue:
    """Say which ward a patient is on."""
    try:
        data = read_form(WardStayUpdate, {"ward_id": request.form.get("ward_id") or None},
                         sentences=WARD_SENTENCES)  # fmt: skip
        ward_stays.set_ward(current_session(), actor=current_actor(), code=code, data=data)
    except DomainError as error:
        return form_again("patients/care_team.html", error, **_care_of(code))
    flash("The ward is noted.", "success")
    return redirect(url_for("directory.list_page"), 303)


@blueprint.get("/app/break-glass")
@page(permission=Permission.BREAK_GLASS_REVIEW)
def openings_page() -> ResponseReturnValue:
    """Show the records that were opened in emergencies, with the reasons."""
    query = read_form(BreakGlassQuery, request.args.to_dict(), sentences={})
    found, following = break_glass.list_openings(
        current_session(), actor=current_actor(), before=query.cursor
    )
    return render_template(
        "patients/openings.html",
        openings=found,
        following=following,
        zone=current_account().timezone,
    )


@blueprint.post("/app/break-glass/<uuid:grant_id>/review")
@page(permission=Permission.BREAK_GLASS_REVIEW, writes=True)
def review_opening(grant_id: UUID) -> ResponseReturnValue:
    """Mark an opening as reviewed."""
    break_glass.mark_reviewed(current_session(), actor=current_actor(), grant_id=grant_id)
    flash("Marked as reviewed.", "success")
    return redirect(url_for(".openings_page"), 303)


def _care_of(code: str) -> dict[str, object]:
    session, actor = current_session(), current_actor()
    patient = patients.get_patient_by_code_for(session, actor, code, Permission.CARE_TEAM_READ)
    return {
        "code": patient.code,
        "team": care_team.list_care_team(session, actor=actor, code=code),
        "may_change": actor.may(Permission.CARE_TEAM_MANAGE)
        and patient.basis in care_team.ENTRUSTED,
        "ward": ward_stays.find_ward(session, patient=patient),
        "wards": wards.list_wards(session, hospital_id=patient.hospital_id),
        "zone": current_account().timezone,
    }
