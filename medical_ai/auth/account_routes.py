"""The pages on which people care for their account: address, password, name and clock."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.devices import keep_device
from medical_ai.auth.guards import current_account, current_client
from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.auth.schemas import (
    EmailChange,
    LinkUse,
    PasswordChange,
    PasswordForgotten,
    PasswordReset,
    ProfileUpdate,
)
from medical_ai.auth.zone_choices import zones_by_region
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import (
    current_actor,
    current_session,
    current_settings,
    renewed_session,
)
from medical_ai.core.pages import page

blueprint = Blueprint("account", __name__)

CHOOSE = f"Choose a password of {MIN_CHARACTERS} to {MAX_CHARACTERS} characters."
SENTENCES = {
    "token": "Open the link in the message again, or copy all of it.",
    "email": "Enter an e-mail address, such as name@example.org.",
    "password": "Enter your password.",  # pragma: allowlist secret - a sentence
    "current_password": "Enter your present password.",  # pragma: allowlist secret - a sentence
    "new_password": CHOOSE,
    "username": "Use a name of at most 64 letters.",
    "timezone": "Choose your time zone.",
}


@blueprint.get("/app/verify-email")
@page()
def verify_page() -> ResponseReturnValue:
    """Show the button that confirms an address; the link's token comes behind the `#`."""
    return render_template("auth/verify_email.html", typed={})


@blueprint.post("/app/verify-email")
@page(writes=True)
def verify() -> ResponseReturnValue:
    """Confirm an address."""
    try:
        data = read_form(LinkUse, _typed("token"), sentences=SENTENCES)
        service.verify_email(current_session(), token=data.token)
    except DomainError as error:
        return form_again("auth/verify_email.html", error, typed=_typed("token"))
    flash("Thank you. Your e-mail address is confirmed.", "success")
    return redirect(url_for("auth.sign_in_page"), 303)


@blueprint.post("/app/settings/verify-email")
@page(writes=True)
def resend() -> ResponseReturnValue:
    """Send the link that confirms the address once more."""
    try:
        service.resend_verification(renewed_session(), actor=current_actor())
        flash("We sent you a message. Open the link in it.", "success")
    except DomainError as error:
        flash(error.detail, "warning")
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/forgot-password")
@page()
def forgot_page() -> ResponseReturnValue:
    """Ask for the address that a link for a new password goes to."""
    return render_template("auth/forgot_password.html", typed={}, **_mail())


@blueprint.post("/app/forgot-password")
@page(writes=True)
def forgot() -> ResponseReturnValue:
    """Have the link sent, if there is an account; the answer does not tell."""
    try:
        data = read_form(PasswordForgotten, _typed("email"), sentences=SENTENCES)
        service.ask_for_reset(current_session(), email=data.email, client=current_client())
    except DomainError as error:
        return form_again("auth/forgot_password.html", error, typed=_typed("email"), **_mail())
    return render_template("auth/reset_sent.html", minutes=current_settings().reset_link_minutes)


@blueprint.get("/app/reset-password")
@page()
def reset_page() -> ResponseReturnValue:
    """Ask for a new password; the link's token comes behind the `#`."""
    return render_template("auth/reset_password.html", typed={}, **_lengths())


@blueprint.post("/app/reset-password")
@page(writes=True)
def reset() -> ResponseReturnValue:
    """Set the new password and lead to the sign-in."""
    try:
        typed, sentences = _typed("token", "password"), SENTENCES | {"password": CHOOSE}
        data = read_form(PasswordReset, typed, sentences=sentences)
        service.reset_password(current_session(), data=data, client=current_client())
    except DomainError as error:
        typed = _typed("token")
        return form_again("auth/reset_password.html", error, typed=typed, **_lengths())
    keep_device()
    flash("Your password is changed, and you were signed out everywhere. Sign in anew.", "success")
    return redirect(url_for("auth.sign_in_page"), 303)


@blueprint.get("/app/settings/password")
@page()
def password_page() -> ResponseReturnValue:
    """Show the form for another password."""
    return render_template("auth/password.html", account=current_account(), **_lengths())


@blueprint.post("/app/settings/password")
@page(writes=True)
def change_password() -> ResponseReturnValue:
    """Change the password; every other session ends."""
    try:
        typed = _typed("current_password", "new_password")
        data = read_form(PasswordChange, typed, sentences=SENTENCES)
        service.change_password(renewed_session(), actor=current_actor(), data=data)
    except DomainError as error:
        return form_again("auth/password.html", error, account=current_account(), **_lengths())
    flash("Your password is changed. Your other devices were signed out.", "success")
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/settings/email")
@page()
def email_page() -> ResponseReturnValue:
    """Show the form for another address."""
    return render_template("auth/email.html", typed={}, account=current_account(), **_mail())


@blueprint.post("/app/settings/email")
@page(writes=True)
def change_email() -> ResponseReturnValue:
    """Ask for another address, or change it at once where no mail is sent."""
    try:
        data = read_form(EmailChange, _typed("email", "password"), sentences=SENTENCES)
        is_sent = service.change_email(renewed_session(), actor=current_actor(), data=data)
    except DomainError as error:
        account = current_account()
        return form_again(
            "auth/email.html", error, typed=_typed("email"), account=account, **_mail()
        )
    flash(
        "We sent a message to the new address. Open the link in it, and the address is yours."
        if is_sent
        else "Your e-mail address is changed. Your other devices were signed out.",
        "success",
    )
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/confirm-email")
@page()
def confirm_page() -> ResponseReturnValue:
    """Show the button that takes the new address; the link's token comes behind the `#`."""
    return render_template("auth/confirm_email.html", typed={})


@blueprint.post("/app/confirm-email")
@page(writes=True)
def confirm() -> ResponseReturnValue:
    """Take the new address."""
    try:
        data = read_form(LinkUse, _typed("token"), sentences=SENTENCES)
        service.confirm_email(current_session(), actor=current_actor(), token=data.token)
    except DomainError as error:
        return form_again("auth/confirm_email.html", error, typed=_typed("token"))
    flash("Your e-mail address is changed. Your other devices were signed out.", "success")
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/settings/profile")
@page()
def profile_page() -> ResponseReturnValue:
    """Show the form for the name and the clock."""
    account = current_account()
    typed = {"username": account.username, "timezone": account.timezone}
    return render_template("auth/profile.html", typed=typed, zones=zones_by_region())


@blueprint.post("/app/settings/profile")
@page(writes=True)
def update_profile() -> ResponseReturnValue:
    """Change the name and the clock."""
    typed = _typed("username", "timezone")
    try:
        data = read_form(ProfileUpdate, typed, sentences=SENTENCES)
        service.update_profile(
            current_session(), actor=current_actor(), account=current_account(), data=data
        )
    except DomainError as error:
        return form_again("auth/profile.html", error, typed=typed, zones=zones_by_region())
    flash("Saved.", "success")
    return redirect(url_for("settings.settings_page"), 303)


def _typed(*names: str) -> dict[str, Any]:
    return {name: request.form[name] for name in names if name in request.form}


def _lengths() -> dict[str, Any]:
    return {"min_characters": MIN_CHARACTERS}


def _mail() -> dict[str, Any]:
    return {"has_mail": bool(current_settings().smtp_host)}
