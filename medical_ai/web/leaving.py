"""The pages for taking everything along, and for leaving for good."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service as auth
from medical_ai.auth.deletion_api import DeletionAsk
from medical_ai.auth.guards import current_account, is_signed_in
from medical_ai.auth.refusals import ProofRequired
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import (
    current_actor,
    current_database,
    current_session,
    current_settings,
    release_session,
)
from medical_ai.core.pages import page
from medical_ai.patients import erasure
from medical_ai.patients import service as patients
from medical_ai.web.export_api import give_export

blueprint = Blueprint("leaving", __name__)
SENTENCES = {"password": "Enter your password."}  # pragma: allowlist secret - a sentence
CONFIRM = "Tick the box, so that it does not happen by accident."


@blueprint.get("/app/settings/export")
@page()
def export_page() -> ResponseReturnValue:
    """Say what is in the archive, and ask for the password."""
    return render_template("web/export.html", **_password())


@blueprint.post("/app/settings/export")
@page()
def export_account() -> ResponseReturnValue:
    """Give the archive for the right password."""
    try:
        _prove()
        return give_export(current_actor())
    except ProofRequired:
        return _ask_for_proof(".export_page")
    except DomainError as error:
        return form_again("web/export.html", error, **_password())


@blueprint.get("/app/settings/delete")
@page()
def delete_page() -> ResponseReturnValue:
    """Say what goes and what stays, or until when it can be called off."""
    return render_template("web/delete.html", **_for_delete())


@blueprint.post("/app/settings/delete")
@page(writes=True)
def delete_account() -> ResponseReturnValue:
    """Delete the account when the days for second thoughts are over."""
    is_sure = request.form.get("sure") == "1"
    try:
        _prove()
        if is_sure:
            auth.request_deletion(current_session(), actor=current_actor())
    except ProofRequired:
        return _ask_for_proof(".delete_page")
    except DomainError as error:
        return form_again("web/delete.html", error, **_for_delete())
    if not is_sure:
        return render_template("web/delete.html", problems={"sure": CONFIRM}, **_for_delete()), 422
    return redirect(url_for(".delete_page"), 303)


@blueprint.post("/app/settings/delete/cancel")
@page(writes=True)
def cancel_deletion() -> ResponseReturnValue:
    """Call the deletion off."""
    try:
        auth.cancel_deletion(current_session(), actor=current_actor())
    except NotFound:
        return redirect(url_for(".delete_page"), 303)  # the other tab was faster
    flash("Your account stays. Nothing was lost.", "success")
    return redirect(url_for("settings.settings_page"), 303)


@blueprint.get("/app/deletion-receipts/<number>")
@page()
def receipt_page(number: str) -> ResponseReturnValue:
    """Tell whoever holds a receipt that its deletion was done."""
    is_signed_in()
    try:
        done_at = auth.get_receipt_day(current_session(), number=number)
    except NotFound:
        return render_template("web/receipt.html", done_at=None), NotFound.status
    return render_template("web/receipt.html", done_at=done_at)


def _prove() -> None:
    typed = {name: request.form[name] for name in ("password",) if name in request.form}
    data = read_form(DeletionAsk, typed, sentences=SENTENCES)
    release_session()  # a hash is computed: the write lock is not held meanwhile
    auth.prove_password(current_database(), actor=current_actor(), password=data.password)


def _ask_for_proof(endpoint: str) -> ResponseReturnValue:
    return redirect(url_for("factors.proof_page", next=url_for(endpoint)), 303)


def _password() -> dict[str, Any]:
    link = auth.get_link(current_session(), actor=current_actor())
    return {"has_password": link.has_password}


def _for_delete() -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    return {
        "deletion": auth.find_deletion(session, actor=actor),
        "days": current_settings().account_deletion_days,
        "has_record": patients.find_record_of_account(session, actor) is not None,
        "codes": erasure.list_codes_erased_with(session, user_id=actor.user_id),
        "zone": current_account().timezone,
    } | _password()
