"""The page on which somebody takes up an invitation onto the staff, signed in or not.

The secret of the link stands behind the `#`, where no server sees it; a small script puts it into
the form, and it can be pasted there by hand.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.guards import current_client, is_signed_in, keep_signed_in
from medical_ai.auth.routes import SIGN_UP_SENTENCES, zone_choices
from medical_ai.auth.schemas import Tokens
from medical_ai.auth.staff_schemas import InvitationAccept
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page

blueprint = Blueprint("invitations", __name__)

TEMPLATE = "auth/invitation.html"
LONGEST_CODE = 200
SENTENCES = SIGN_UP_SENTENCES | {
    "username": "Say what your colleagues call you, in at most 64 letters."
}


@blueprint.get("/app/invitations/staff")
@page()
def staff_page() -> ResponseReturnValue:
    """Ask for the code of the invitation, which the link brings along."""
    is_signed_in()
    return render_template(TEMPLATE, typed={})


@blueprint.post("/app/invitations/staff/open")
@page()
def open_staff() -> ResponseReturnValue:
    """Show what the invitation offers."""
    try:
        return render_template(TEMPLATE, **_opened())
    except DomainError as error:
        return form_again(TEMPLATE, error, typed={})


@blueprint.post("/app/invitations/staff")
@page(writes=True)
def accept_staff() -> ResponseReturnValue:
    """Take the invitation up, with the account that is signed in or with a new one."""
    try:
        granted = _accept()
    except DomainError as error:
        return _again(error)
    session.clear()  # a session that may do more gets a new form token
    keep_signed_in(granted)
    flash(f"Welcome. You are here as {granted.user.role}.", "success")
    return redirect(url_for("web.today"), 303)


def _accept() -> Tokens:
    # Asked first and given back: hashing a password must not hold the transaction.
    if is_signed_in():
        return service.accept_invitation(current_session(), actor=current_actor(), token=_code())
    data = read_form(InvitationAccept, _typed(), sentences=SENTENCES)
    return service.accept_as_newcomer(
        current_session(), token=_code(), data=data, client=current_client()
    )


def _again(error: DomainError) -> ResponseReturnValue:
    if not error.keeps_work:
        current_session().rollback()
    try:
        shown = _opened()
    except DomainError:  # the invitation itself is over
        shown = {"typed": {}}
    return form_again(TEMPLATE, error, **shown)


def _opened() -> dict[str, Any]:
    is_signed_in()
    seen = service.look_at_invitation(current_session(), token=_code())
    typed = {name: value for name, value in _typed().items() if name != "password"}
    return {"invitation": seen, "code": _code(), "typed": typed, **zone_choices()}


def _code() -> str:
    return request.form.get("code", "").strip()[:LONGEST_CODE]


def _typed() -> dict[str, str]:
    names = ("username", "password", "timezone")
    return {name: request.form[name] for name in names if name in request.form}
