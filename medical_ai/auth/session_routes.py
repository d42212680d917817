"""The pages of a person's own sessions and personal access tokens."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from medical_ai.auth import service
from medical_ai.auth.guards import current_account, prove_again
from medical_ai.auth.refusals import ProofRequired
from medical_ai.auth.schemas import PersonalTokenCreate
from medical_ai.core import clock
from medical_ai.core.errors import DomainError
from medical_ai.core.forms import form_again, read_form
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.pages import page
from medical_ai.core.zones import zone_of

blueprint = Blueprint("auth_sessions", __name__)

SENTENCES = {
    "name": "Give it a name of at most 60 characters, such as the program it is for.",
    "scopes": "Choose at least one thing that it may do.",
    "expires_on": "Choose the last day on which it works.",
    "password": "Enter your password.",  # pragma: allowlist secret - a sentence
}
USUAL_LIFE = timedelta(days=90)


@blueprint.get("/app/settings/sessions")
@page()
def sessions_page() -> ResponseReturnValue:
    """Show where the account is signed in."""
    found = service.list_sessions(current_session(), actor=current_actor())
    return render_template(
        "auth/sessions.html",
        current=[one for one in found if one.is_current],
        others=[one for one in found if not one.is_current],
        zone=current_account().timezone,
    )


@blueprint.post("/app/settings/sessions/<uuid:session_id>/revoke")
@page(writes=True)
def revoke_session(session_id: UUID) -> ResponseReturnValue:
    """End one session."""
    service.revoke_session(current_session(), actor=current_actor(), session_id=session_id)
    flash("That session is signed out.", "success")
    return redirect(url_for(".sessions_page"), 303)


@blueprint.post("/app/settings/sessions/revoke")
@page(writes=True)
def revoke_other_sessions() -> ResponseReturnValue:
    """End every session but this one."""
    service.revoke_other_sessions(current_session(), actor=current_actor())
    flash("You are signed out everywhere else.", "success")
    return redirect(url_for(".sessions_page"), 303)


@blueprint.get("/app/session")
@page()
def session_left() -> ResponseReturnValue:
    """Tell for how many seconds this session lasts if it is not used; asking is no use."""
    life = current_account().life
    if life is None:
        return Response(status=204)
    now = clock.now()
    return jsonify(
        idle_seconds=int((life.idle_at - now).total_seconds()),
        seconds=int((life.over_at - now).total_seconds()),
    )


@blueprint.post("/app/session")
@page(writes=True)
def stay_signed_in() -> ResponseReturnValue:
    """Count as a use of the session, and do nothing else."""
    return Response(status=204)


@blueprint.get("/app/settings/tokens")
@page()
def tokens_page() -> ResponseReturnValue:
    """Show the personal access tokens there are."""
    session, actor = current_session(), current_actor()
    return render_template(
        "auth/tokens.html",
        tokens=service.list_tokens(session, actor=actor),
        words=service.offered_scopes(actor),
        zone=current_account().timezone,
    )


@blueprint.get("/app/settings/tokens/new")
@page()
def new_token_page() -> ResponseReturnValue:
    """Show the form for a new token; whoever has a second factor shows it first."""
    session, actor = current_session(), current_actor()
    if not (
        service.is_recent(session, actor=actor) or service.wants_password(session, actor=actor)
    ):
        return _ask_for_proof()
    typed = {
        "scopes": service.default_scopes(current_actor()),
        "expires_on": min(_today() + USUAL_LIFE, _choices()["last_day"]).isoformat(),
    }
    return render_template("auth/token_new.html", typed=typed, **_choices())


@blueprint.post("/app/settings/tokens/new")
@page(writes=True)
def make_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    typed: dict[str, Any] = {
        "name": request.form.get("name", ""),
        "scopes": request.form.getlist("scopes"),
        "expires_on": request.form.get("expires_on", ""),
    }
    try:
        password = request.form.get("password") or None
        data = read_form(PersonalTokenCreate, typed | {"password": password}, sentences=SENTENCES)
        prove_again(data.password)
        made = service.make_token(
            current_session(),
            actor=current_actor(),
            zone=current_account().timezone,
            data=data,
        )
    except ProofRequired:
        return _ask_for_proof()
    except DomainError as error:
        return form_again("auth/token_new.html", error, typed=typed, **_choices())
    return render_template(
        "auth/token_made.html",
        made=made,
        words=service.offered_scopes(current_actor()),
        zone=current_account().timezone,
    ), 201


@blueprint.post("/app/settings/tokens/<uuid:token_id>/revoke")
@page(writes=True)
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    """Revoke a token."""
    service.revoke_token(current_session(), actor=current_actor(), token_id=token_id)
    flash("The token is revoked. Programs that used it are refused from now on.", "success")
    return redirect(url_for(".tokens_page"), 303)


def _ask_for_proof() -> ResponseReturnValue:
    return redirect(url_for("factors.proof_page", next=url_for(".new_token_page")), 303)


def _today() -> Any:
    return clock.now().astimezone(zone_of(current_account().timezone)).date()


def _choices() -> dict[str, Any]:
    session, actor = current_session(), current_actor()
    return {
        "needs_password": service.wants_password(session, actor=actor),
        "offered": service.offered_scopes(actor),
        "today": _today(),
        "last_day": service.last_day(session, current_account().timezone),
    }
