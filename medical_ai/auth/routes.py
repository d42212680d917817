"""The pages of an account: sign up, sign in, sign out."""

from functools import cache
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.guards import (
    current_client,
    forget_sign_in,
    is_signed_in,
)
from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.auth.provider_routes import find_visit, way_out, welcome
from medical_ai.auth.schemas import SignIn, SignUp
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, local_page, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_names

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
REGIONS = {
    "Atlantic": "Atlantic Ocean",
    "Indian": "Indian Ocean",
    "Pacific": "Pacific Ocean",
    "UTC": "Without a place",
}
"""What a region of the zone names is called where its own name says too little."""
REMEMBERED = ("email", "username", "timezone", "next")


@blueprint.get("/login")
@page()
def sign_in_page() -> ResponseReturnValue:
    """Show the sign-in form; whoever is signed in goes on."""
    if is_signed_in():
        return redirect(_wanted(request.args.get("next")), 303)
    return render_template("auth/sign_in.html", typed={"next": request.args.get("next", "")})


@blueprint.post("/app/sign-in")
@page(writes=True)
def sign_in() -> ResponseReturnValue:
    """Sign in and go on to the page that was wanted."""
    try:
        data = read_form(SignIn, _typed("email", "password"), sentences=SENTENCES)
        granted = service.sign_in(current_session(), data=data, client=current_client())
    except DomainError as error:
        return form_again("auth/sign_in.html", error, typed=_remembered())
    return welcome(granted, request.form.get("next"))


@blueprint.get("/signup")
@page()
def sign_up_page() -> ResponseReturnValue:
    """Show the form for a new account; whoever is signed in goes on to their day."""
    if is_signed_in():
        return redirect(_wanted(None), 303)
    return render_template("auth/sign_up.html", typed={}, **_choices())


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
        return form_again("auth/sign_up.html", error, typed=_remembered(), **_choices())
    return welcome(granted, request.form.get("next"))


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


def _wanted(address: str | None) -> str:
    return local_page(address, otherwise=url_for("web.today"))


def _typed(*names: str) -> dict[str, Any]:
    return {name: request.form[name] for name in names if name in request.form}


def _remembered() -> dict[str, Any]:
    return _typed(*REMEMBERED)  # a password is never sent back


def _choices() -> dict[str, Any]:
    return {"zones": _zones_by_region(), "min_characters": MIN_CHARACTERS}


@cache
def _zones_by_region() -> dict[str, list[tuple[str, str]]]:
    """Return every zone as (name, place), the places of a region together and in order."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in zone_names():
        region, _, place = name.replace("_", " ").partition("/")
        spoken = ", ".join(reversed(place.split("/"))) if place else name
        found = regions.setdefault(REGIONS.get(region, region), [])
        found.append((name, spoken))
    return {region: sorted(zones, key=lambda zone: zone[1]) for region, zones in regions.items()}
