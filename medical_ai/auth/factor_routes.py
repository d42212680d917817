"""The pages on which second factors are set up, shown and removed."""

from typing import Any
from uuid import UUID

import segno
from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import otp
from medical_ai.auth.guards import current_account
from medical_ai.auth.refusals import ProofRequired
from medical_ai.auth.schemas import PasskeyCreate, Proof, TotpConfirm
from medical_ai.auth.service import factors, get_link, passkey_proof, passkeys, recent, totp
from medical_ai.auth.step_routes import SENTENCES, can_use_passkeys, get_relying_party, read_answer
from medical_ai.core.api import JSON_TYPE
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, local_page, read_form
from medical_ai.core.http import current_actor, current_session, release_session
from medical_ai.core.pages import page

blueprint = Blueprint("factors", __name__)

APP_SENTENCES = {"code": "Enter the six figures that the app shows."}
NAME_SENTENCES = {
    "name": "Give it a name of at most 64 letters, such as the device it is on.",
    "credential": passkeys.NOT_MADE,
}
PROOF_SENTENCES = {
    "password": "Enter your password.",  # pragma: allowlist secret - a sentence
    "otp": SENTENCES["code"],
}


@blueprint.errorhandler(ProofRequired)
def lead_to_proof(_error: ProofRequired) -> ResponseReturnValue:
    """Ask who it is before anything is changed."""
    return redirect(url_for("factors.proof_page", next=_came_from()), 303)


@blueprint.get("/app/settings/second-factor")
@page()
def overview() -> ResponseReturnValue:
    """Show which second factors there are, and what can be done about them."""
    session, actor = current_session(), current_actor()
    return render_template(
        "auth/second_factor.html",
        factors=factors.get_factors(session, actor=actor),
        account=current_account(),
        is_recent=recent.is_recent(session, actor=actor),
    )


@blueprint.post("/app/settings/second-factor/app")
@page(writes=True)
def begin_app() -> ResponseReturnValue:
    """Begin to set up an authenticator app."""
    try:
        totp.begin_totp(current_session(), actor=current_actor(), email=current_account().email)
    except ProofRequired:
        raise
    except DomainError as error:
        flash(error.detail, "warning")
        return redirect(url_for(".overview"), 303)
    return redirect(url_for(".app_page"), 303)


@blueprint.get("/app/settings/second-factor/app")
@page()
def app_page() -> ResponseReturnValue:
    """Show the picture that the authenticator app reads, and ask for its first code."""
    shown = _pending()
    if shown is None:
        return redirect(url_for(".overview"), 303)
    return render_template("auth/authenticator_app.html", **shown)


@blueprint.post("/app/settings/second-factor/app/confirm")
@page(writes=True)
def confirm_app() -> ResponseReturnValue:
    """Let the app count, and show the recovery codes."""
    shown = _pending()
    try:
        values = {"code": request.form.get("code", "")}
        data = read_form(TotpConfirm, values, sentences=APP_SENTENCES)
        codes = factors.add_totp(current_session(), actor=current_actor(), code=data.code)
    except ProofRequired:
        raise
    except DomainError as error:
        if shown is None:
            flash(error.detail, "warning")
            return redirect(url_for(".overview"), 303)
        return form_again("auth/authenticator_app.html", error, **shown)
    return _show_codes(codes, "The authenticator app is set up.")


@blueprint.post("/app/settings/second-factor/app/remove")
@page(writes=True)
def remove_app() -> ResponseReturnValue:
    """Take the authenticator app away."""
    factors.remove_totp(current_session(), actor=current_actor())
    flash("The authenticator app is removed.", "success")
    return redirect(url_for(".overview"), 303)


@blueprint.post("/app/settings/second-factor/codes")
@page(writes=True)
def renew_codes() -> ResponseReturnValue:
    """Make new recovery codes and show them."""
    codes = factors.renew_recovery_codes(current_session(), actor=current_actor())
    return _show_codes(codes, "")


@blueprint.get("/app/settings/passkeys")
@page()
def passkeys_page() -> ResponseReturnValue:
    """Show the passkeys of the account."""
    return render_template("auth/passkeys.html", typed={}, **_passkeys())


@blueprint.post("/app/settings/passkeys/options")
@page(writes=True)
def passkey_options() -> ResponseReturnValue:
    """Return what the browser needs to make a passkey."""
    options = passkeys.begin_passkey(
        current_session(),
        actor=current_actor(),
        email=current_account().email,
        rp=get_relying_party(),
    )
    return Response(options, mimetype=JSON_TYPE)


@blueprint.post("/app/settings/passkeys")
@page(writes=True)
def add_passkey() -> ResponseReturnValue:
    """Keep a new passkey, and show recovery codes if it is the first factor."""
    values = {"name": request.form.get("name"), "credential": request.form.get("credential")}
    try:
        data = read_form(PasskeyCreate, values, sentences=NAME_SENTENCES)
        codes = passkeys.add_passkey(
            current_session(), actor=current_actor(), data=data, rp=get_relying_party()
        )
    except ProofRequired:
        raise
    except DomainError as error:
        typed = {"name": values["name"]}
        return form_again("auth/passkeys.html", error, typed=typed, **_passkeys())
    return _show_codes(codes, "The passkey is ready.", back="factors.passkeys_page")


@blueprint.post("/app/settings/passkeys/<uuid:passkey_id>/remove")
@page(writes=True)
def remove_passkey(passkey_id: UUID) -> ResponseReturnValue:
    """Take a passkey away."""
    passkeys.remove_passkey(current_session(), actor=current_actor(), passkey_id=passkey_id)
    flash("The passkey is removed. You can delete it on your device, too.", "success")
    return redirect(url_for(".passkeys_page"), 303)


@blueprint.get("/app/settings/proof")
@page()
def proof_page() -> ResponseReturnValue:
    """Ask who it is, before something about the account is changed."""
    return render_template("auth/proof.html", **_proof(request.args.get("next")))


@blueprint.post("/app/settings/proof")
@page(writes=True)
def prove() -> ResponseReturnValue:
    """Take a password, and a code where one is needed, as proof."""
    actor, shown = current_actor(), _proof(request.form.get("next"))
    release_session()  # a hash is computed: the write lock must not be held meanwhile
    values = {name: request.form[name] for name in ("password", "otp") if request.form.get(name)}
    try:
        data = read_form(Proof, values, sentences=PROOF_SENTENCES)
        factors.confirm_identity(current_session(), actor=actor, data=data)
    except DomainError as error:
        return form_again("auth/proof.html", error, **shown)
    return redirect(shown["wanted"], 303)


@blueprint.post("/app/settings/proof/options")
@page(writes=True)
def proof_options() -> ResponseReturnValue:
    """Return the challenge that a passkey is to answer as proof."""
    options = passkey_proof.begin_passkey_proof(
        current_session(), actor=current_actor(), rp=get_relying_party()
    )
    return Response(options, mimetype=JSON_TYPE)


@blueprint.post("/app/settings/proof/passkey")
@page(writes=True)
def prove_by_passkey() -> ResponseReturnValue:
    """Take a passkey as proof."""
    shown = _proof(request.form.get("next"))
    try:
        passkey_proof.confirm_by_passkey(
            current_session(),
            actor=current_actor(),
            credential=read_answer(),
            rp=get_relying_party(),
        )
    except DomainError as error:
        return form_again("auth/proof.html", error, **shown)
    return redirect(shown["wanted"], 303)


def _pending() -> dict[str, Any] | None:
    email = current_account().email
    begun = totp.find_pending_totp(current_session(), actor=current_actor(), email=email)
    if begun is None:
        return None
    picture = segno.make(begun.otpauth_uri, error="m").svg_data_uri(scale=5, light="#fff")
    return {"picture": picture, "secret": otp.in_groups(begun.secret)}


def _show_codes(codes: list[str], done: str, back: str = "factors.overview") -> ResponseReturnValue:
    if not codes:
        flash(done, "success")
        return redirect(url_for(back), 303)
    return render_template("auth/recovery_codes.html", codes=codes, done=done)


def _passkeys() -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    return {
        "passkeys": passkeys.list_passkeys(session, actor=actor),
        "zone": current_account().timezone,
        "is_possible": can_use_passkeys(),
        "is_recent": recent.is_recent(session, actor=actor),
    }


def _proof(address: str | None) -> dict[str, Any]:
    found = factors.get_factors(current_session(), actor=current_actor())
    return {
        "wanted": local_page(address, otherwise=url_for(".overview")),
        "has_password": get_link(current_session(), actor=current_actor()).has_password,
        "needs_code": found.totp or found.passkeys > 0,
        "passkeys": found.passkeys > 0 and can_use_passkeys(),
    }


def _came_from() -> str:
    is_about_passkeys = "passkey" in (request.endpoint or "")
    return url_for("factors.passkeys_page" if is_about_passkeys else "factors.overview")
