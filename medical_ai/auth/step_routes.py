"""The second step of signing in, and signing in with a passkey.

What is half-way is known by an id in the browser's signed cookie. It opens nothing by itself.
"""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth.guards import current_client
from medical_ai.auth.relying_party import RelyingParty, relying_party
from medical_ai.auth.schemas import LONGEST_ANSWER, TotpConfirm
from medical_ai.auth.service import passkey_proof
from medical_ai.auth.service.sign_in import TOO_LATE, find_half_way, finish_sign_in
from medical_ai.auth.welcome import welcome
from medical_ai.core.api import JSON_TYPE
from medical_ai.core.errors import DomainError, NotFound
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_session, current_settings
from medical_ai.core.pages import page

blueprint = Blueprint("second_step", __name__)

HALF_WAY, ASKED = "half_way", "passkey_asked"
"""Names, in the signed cookie, of a sign-in that waits and of a passkey's challenge."""
SENTENCES = {"code": "Enter the six figures that the app shows, or a recovery code."}
NEEDS_A_NAME = "Passkeys need the name of this installation, not its number."
TEMPLATE = "auth/second_step.html"


@blueprint.get("/app/sign-in/code")
@page()
def code_page() -> ResponseReturnValue:
    """Ask for the second factor of a sign-in that is half-way."""
    if find_half_way(current_session(), attempt_id=_id_of(HALF_WAY)) is None:
        return _back_to_sign_in()
    typed = {"next": request.args.get("next", "")}
    return render_template(TEMPLATE, typed=typed, passkeys=can_use_passkeys())


@blueprint.post("/app/sign-in/code")
@page(writes=True)
def send_code() -> ResponseReturnValue:
    """Finish signing in with a code."""
    attempt_id = _id_of(HALF_WAY)
    if find_half_way(current_session(), attempt_id=attempt_id) is None:
        return _back_to_sign_in()
    try:
        values = {"code": request.form.get("code", "")}
        data = read_form(TotpConfirm, values, sentences=SENTENCES)
        granted = finish_sign_in(
            current_session(), attempt_id=attempt_id, code=data.code, client=current_client()
        )
    except DomainError as error:
        typed = {"next": request.form.get("next", "")}
        return form_again(TEMPLATE, error, typed=typed, passkeys=can_use_passkeys())
    return welcome(granted, request.form.get("next"))


@blueprint.post("/app/sign-in/passkey/options")
@page(writes=True)
def passkey_options() -> ResponseReturnValue:
    """Return the challenge that a passkey is to answer."""
    challenge_id, options = passkey_proof.begin_passkey_sign_in(
        current_session(),
        rp=get_relying_party(),
        client=current_client(),
        attempt_id=_id_of(HALF_WAY),
    )
    session[ASKED] = str(challenge_id)
    return Response(options, mimetype=JSON_TYPE)


@blueprint.post("/app/sign-in/passkey")
@page(writes=True)
def passkey() -> ResponseReturnValue:
    """Sign in with a passkey, instead of a password or after it."""
    attempt_id = _id_of(HALF_WAY)
    try:
        granted = passkey_proof.sign_in_with_passkey(
            current_session(),
            credential=read_answer(),
            challenge_id=_id_of(ASKED),
            attempt_id=attempt_id,
            rp=get_relying_party(),
            client=current_client(),
        )
    except DomainError as error:
        is_half_way = find_half_way(current_session(), attempt_id=attempt_id)
        template = TEMPLATE if is_half_way else "auth/sign_in.html"
        typed = {"next": request.form.get("next", "")}
        return form_again(template, error, typed=typed, passkeys=can_use_passkeys())
    return welcome(granted, request.form.get("next"))


def lead_to_second_step(attempt_id: UUID, wanted: str | None) -> ResponseReturnValue:
    """Let the browser go on to the second step of the sign-in it began."""
    session[HALF_WAY] = str(attempt_id)
    return redirect(url_for("second_step.code_page", next=wanted or None), 303)


def can_use_passkeys() -> bool:
    """Tell whether passkeys are possible at the address that was asked for."""
    return relying_party(current_settings(), request.host) is not None


def get_relying_party() -> RelyingParty:
    """Return whom passkeys are made for here. Raises NotFound where they cannot be."""
    found = relying_party(current_settings(), request.host)
    if found is None:
        raise NotFound(NEEDS_A_NAME)
    return found


def read_answer() -> str:
    """Return what the browser's passkey answered; nothing where it is longer than any answer."""
    answer = request.form.get("credential", "")
    return answer if len(answer) <= LONGEST_ANSWER else ""


def _back_to_sign_in() -> ResponseReturnValue:
    flash(TOO_LATE, "warning")
    return redirect(url_for("auth.sign_in_page", next=request.values.get("next") or None), 303)


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(session.get(name, ""))
    except (ValueError, TypeError, AttributeError):
        return None
