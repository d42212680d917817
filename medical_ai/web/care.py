"""The pages on which a patient lets somebody look after them, and on which one is let."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service as auth
from medical_ai.auth.guards import is_signed_in, keep_signed_in
from medical_ai.auth.permissions import Permission
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session, current_settings
from medical_ai.core.pages import page
from medical_ai.patients import caregivers, dependants
from medical_ai.patients import service as patients
from medical_ai.patients.care_schemas import (
    CaregiverInvite,
    CaregiverRead,
    CaregiverUpdate,
    HandoverAccept,
    SecretLink,
)
from medical_ai.patients.consent import SPOKEN_ALARMS, SPOKEN_SHARES
from medical_ai.patients.schemas import PatientRef

blueprint = Blueprint("care", __name__)
SHARE = Permission.CARE_SHARE
SENTENCES = {
    "email": "Enter an e-mail address, such as name@example.org.",
    "shares": "Choose what they may see.",
    "ends_on": "Enter the last day as a date, or leave it empty.",
    "token": "Paste the link, or open it from the message once more.",
}


@blueprint.get("/app/caregivers")
@page(permission=SHARE)
def caregivers_page() -> ResponseReturnValue:
    """Show who looks after one, and the form to invite somebody."""
    return render_template("care/caregivers.html", typed={}, **_list())


@blueprint.post("/app/caregivers")
@page(permission=SHARE, writes=True)
def invite() -> ResponseReturnValue:
    """Invite somebody; where there is no mail, the link is shown this once."""
    typed = _typed("email")
    try:
        data = read_form(CaregiverInvite, typed, sentences=SENTENCES)
        invited = caregivers.invite_caregiver(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("care/caregivers.html", error, typed=typed, **_list())
    if invited.link is not None:
        return render_template("care/link.html", link=invited.link, email=invited.email, **_back())
    flash("The invitation is on its way. You see here when it is accepted.", "success")
    return redirect(url_for(".caregivers_page"), 303)


@blueprint.get("/app/caregivers/<uuid:caregiver_id>")
@page(permission=SHARE)
def consent_page(caregiver_id: UUID) -> ResponseReturnValue:
    """Show what one caregiver may see, to be changed or taken back."""
    found = _caregiver(caregiver_id)
    return render_template("care/consent.html", caregiver=found, typed=_form_of(found), **_words())


@blueprint.post("/app/caregivers/<uuid:caregiver_id>")
@page(permission=SHARE, writes=True)
def change_consent(caregiver_id: UUID) -> ResponseReturnValue:
    """Change what one caregiver may see."""
    typed = _typed()
    try:
        caregivers.change_consent(
            current_session(),
            actor=current_actor(),
            caregiver_id=caregiver_id,
            data=read_form(CaregiverUpdate, typed, sentences=SENTENCES),
        )
    except NotFound:
        raise
    except DomainError as error:
        found = _caregiver(caregiver_id)
        return form_again("care/consent.html", error, caregiver=found, typed=typed, **_words())
    flash("Your changes hold from now on.", "success")
    return redirect(url_for(".caregivers_page"), 303)


@blueprint.post("/app/caregivers/<uuid:caregiver_id>/end")
@page(permission=SHARE, writes=True)
def withdraw(caregiver_id: UUID) -> ResponseReturnValue:
    """Take a consent or an invitation back, or stop looking after somebody."""
    caregivers.withdraw_consent(current_session(), actor=current_actor(), caregiver_id=caregiver_id)
    if "as_caregiver" in request.form:
        flash("You do not look after them any more.", "success")
        return redirect(url_for("people.people_page"), 303)
    flash("It is taken back. They see nothing from now on.", "success")
    return redirect(url_for(".caregivers_page"), 303)


@blueprint.get("/app/invitations/caregiver")
@page()
def invitation_page() -> ResponseReturnValue:
    """Ask for the secret part of the link; a script takes it from the address."""
    is_signed_in()
    return render_template("care/invitation.html", token="")


@blueprint.post("/app/invitations/caregiver")
@page(writes=True)
def look_at_invitation() -> ResponseReturnValue:
    """Show who asks and what one would see, before anything is said."""
    is_in = is_signed_in()
    try:
        data = read_form(SecretLink, _token(), sentences=SENTENCES)
        found = caregivers.get_invitation(current_session(), token=data.token)
    except DomainError as error:
        return form_again("care/invitation.html", error, token="")
    return render_template(
        "care/invited.html", invitation=found, token=data.token, is_in=is_in, **_words()
    )


@blueprint.post("/app/invitations/caregiver/accept")
@page(permission=SHARE, writes=True)
def accept_invitation() -> ResponseReturnValue:
    """Look after whoever asked."""
    try:
        data = read_form(SecretLink, _token(), sentences=SENTENCES)
        found = caregivers.accept_invitation(
            current_session(), actor=current_actor(), token=data.token
        )
    except DomainError as error:
        return form_again("care/invitation.html", error, token="")
    _go_where(found)
    flash("Thank you. You find them here from now on.", "success")
    return redirect(url_for("people.people_page"), 303)


@blueprint.post("/app/invitations/caregiver/decline")
@page(writes=True)
def decline_invitation() -> ResponseReturnValue:
    """Say no; an account is not needed for it."""
    is_signed_in()
    try:
        data = read_form(SecretLink, _token(), sentences=SENTENCES)
        caregivers.decline_invitation(current_session(), token=data.token)
    except DomainError as error:
        return form_again("care/invitation.html", error, token="")
    return render_template("care/declined.html")


@blueprint.get("/app/invitations/record")
@page()
def takeover_page() -> ResponseReturnValue:
    """Say what taking over a record means, and ask for the secret part of the link."""
    return render_template("care/takeover.html", token="", is_in=is_signed_in())


@blueprint.post("/app/invitations/record")
@page(permission=SHARE, writes=True)
def take_over() -> ResponseReturnValue:
    """Take over the record that somebody kept for one."""
    keeps = request.form.get("keeps_caregiver") == "1"
    try:
        data = read_form(HandoverAccept, _token() | {"keeps_caregiver": keeps}, sentences=SENTENCES)
        found = dependants.take_over(current_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("care/takeover.html", error, token="", is_in=True)
    _go_where(found)
    flash("The record is yours now. You decide who sees it.", "success")
    return redirect(url_for("web.today"), 303)


def _go_where(patient: PatientRef) -> None:
    """Go to the hospital of a record one just got: pages show one hospital at a time."""
    session, actor = current_session(), current_actor()
    if patient.hospital_id != actor.tenant_id:
        hospital_id = patient.hospital_id
        keep_signed_in(auth.switch_hospital(session, actor=actor, hospital_id=hospital_id))


def _caregiver(caregiver_id: UUID) -> CaregiverRead:
    return caregivers.get_caregiver(
        current_session(), actor=current_actor(), caregiver_id=caregiver_id
    )


def _list() -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    has_record = patients.find_own_patient(session, actor) is not None
    found = caregivers.list_caregivers(session, actor=actor) if has_record else []
    return {"caregivers": found, "has_record": has_record} | _words()


def _words() -> dict[str, Any]:
    has_mail = bool(current_settings().smtp_host)
    return {"share_words": SPOKEN_SHARES, "alarm_words": SPOKEN_ALARMS, "has_mail": has_mail}


def _back() -> dict[str, str]:
    return {"back": url_for(".caregivers_page"), "back_to": "Caregivers"}


def _typed(*names: str) -> dict[str, Any]:
    return {name: request.form.get(name, "") for name in names} | {
        "shares": request.form.getlist("shares"),
        "alarms": request.form.getlist("alarms"),
        "ends_on": request.form.get("ends_on", "").strip() or None,
    }


def _form_of(caregiver: CaregiverRead) -> dict[str, Any]:
    return {
        "shares": caregiver.shares,
        "alarms": caregiver.alarms,
        "ends_on": caregiver.ends_on.isoformat() if caregiver.ends_on else "",
    }


def _token() -> dict[str, Any]:
    return {"token": request.form.get("token", "")}
