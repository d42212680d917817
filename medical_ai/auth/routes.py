"""The pages of an account: sign up, sign in, sign out."""

from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.guards import (
    current_client,
    forget_sign_in,
    is_signed_in,
)
from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.auth.provider_routes import find_visit, way_out
from medical_ai.auth.schemas import SignIn, SignUp, Tokens
from medical_ai.auth.step_routes import can_use_passkeys, lead_to_second_step
from medical_ai.auth.welcome import wanted, welcome
from medical_ai.auth.zone_choices import zones_by_region
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page

blueprint = Blueprint("auth", __name__)

SENTENCES = {
    "email": "Enter an e-mail address, such as name@example.org.",
    "password": "Enter your password.",  # pragma: allowlist secret - a sentence
}
SIGN_UP_SENTENCES = SENTENCES | {
    "username": "Use a name of at most 64 letters, or leave this empty.",
    "password": f"Choose a password of {MIN_CHARACTERS} to {MAX_CHARACTERS} characters.",
    "timezone": "Choose your time zone, so that reminders come at your time of day.",
}
REMEMBERED = ("email", "username", "timezone", "next")


@blueprint.get("/login")
@page()
def sign_in_page() -> ResponseReturnValue:
    """Show the sign-in form; whoever is signed in goes on."""
    if is_signed_in():
        return redirect(wanted(request.args.get("next")), 303)
    typed = {"next": request.args.get("next", "")}
    return render_template("auth/sign_in.html", typed=typed, passkeys=can_use_passkeys())


@blueprint.post("/app/sign-in")
@page(writes=True)
def sign_in() -> ResponseReturnValue:
    """Sign in and go on to the page that was wanted, or to the second step."""
    try:
        data = read_form(SignIn, _typed("email", "password"), sentences=SENTENCES)
        begun = service.begin_sign_in(current_session(), data=data, client=current_client())
    except DomainError as error:
        shown = {"typed": _remembered(), "passkeys": can_use_passkeys()}
        return form_again("auth/sign_in.html", error, **shown)
    if isinstance(begun, UUID):
        return lead_to_second_step(begun, request.form.get("next"))
    return _go_on(begun)


@blueprint.get("/signup")
@page()
def sign_up_page() -> ResponseReturnValue:
    """Show the form for a new account; whoever is signed in goes on to their day."""
    if is_signed_in():
        return redirect(wanted(request.args.get("next")), 303)
    typed = {"next": request.args.get("next", "")}
    return render_template("auth/sign_up.html", typed=typed, **zone_choices())


@blueprint.post("/app/sign-up")
@page(writes=True)
def sign_up() -> ResponseReturnValue:
    """Create an account and open it."""
    try:
        values = _typed("email", "username", "password", "timezone")
        if not values.get("username"):
            values.pop("username", None)
        data = read_form(SignUp, values, sentences=SIGN_UP_SENTENCES)
        granted = service.sign_up(current_session(), data=data, client=current_client())
    except DomainError as error:
        return form_again("auth/sign_up.html", error, typed=_remembered(), **zone_choices())
    if granted is None:
        return make_response(render_template("auth/verification_sent.html"), 202)
    return _go_on(granted)


@blueprint.post("/app/sign-out")
@page(writes=True)
def sign_out() -> ResponseReturnValue:
    """End this session and leave nothing of it in the browser."""
    actor = current_actor()
    visit = find_visit(current_session(), actor)
    service.sign_out(current_session(), actor=actor)
    forget_sign_in()
    session.clear()
    response = redirect(way_out(visit), 303)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _go_on(granted: Tokens) -> ResponseReturnValue:
    return welcome(granted, request.form.get("next"))


def _typed(*names: str) -> dict[str, Any]:
    return {name: request.form[name] for name in names if name in request.form}


def _remembered() -> dict[str, Any]:
    return _typed(*REMEMBERED)  # a password is never sent back


def zone_choices() -> dict[str, Any]:
    """Return what a form for a new account shows: every zone, and how long a password is."""
    return {"zones": zones_by_region(), "min_characters": MIN_CHARACTERS}
