"""The pages of signing in with the identity provider: there, back, proof, link and out again.

The way there begins with a plain link: a form could not lead to another site, since our content
security policy keeps forms to ourselves. The callback is the one page that writes on a GET. The
protocol wants it so, and the state in the browser's cookie stands where a form token would.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from medical_ai.auth import service
from medical_ai.auth.guards import current_client, is_signed_in
from medical_ai.auth.provider.claims import ProviderPerson, read_person
from medical_ai.auth.provider.client import Arrival, find_provider, get_provider
from medical_ai.auth.schemas import OneTimeCode, Password, Tokens
from medical_ai.auth.step_routes import lead_to_second_step
from medical_ai.auth.welcome import welcome
from medical_ai.core.actor import Actor
from medical_ai.core.errors import DomainError, Malformed, NotFound, UpstreamUnavailable
from medical_ai.core.forms import form_again, local_page, read_form
from medical_ai.core.http import (
    current_actor,
    current_database,
    current_session,
    current_settings,
    release_session,
)
from medical_ai.core.pages import page
from medical_ai.core.schemas import Input

blueprint = Blueprint("auth_provider", __name__)

PROOF, VISIT, WANTED = "provider_proof", "provider_visit", "provider_wanted"
SENTENCES = {
    "password": "Enter your password.",  # pragma: allowlist secret - a sentence
    "otp": "Enter the code that your app shows, or a recovery code.",
}
SIGNED_OUT = "You are signed out."
OTHER_SESSION = "You were signed out meanwhile. Sign in and link your account again."


class ProofForm(Input):
    """What proves that an account is one's own."""

    password: Password
    otp: OneTimeCode | None = None


@blueprint.app_context_processor
def _name_provider() -> dict[str, Any]:
    return {"provider_name": current_settings().oidc_name if find_provider() else ""}


@blueprint.get("/app/oidc/start")
@page()
def start() -> ResponseReturnValue:
    """Lead to the provider."""
    wanted = local_page(request.args.get("next"), otherwise="")
    try:
        is_again = "again" in request.args
        return redirect(get_provider().begin(wanted=wanted, is_again=is_again), 303)
    except UpstreamUnavailable as error:
        return _back(error)


@blueprint.get("/app/oidc/callback")
@page()
def callback() -> ResponseReturnValue:
    """Take in who comes back from the provider."""
    try:
        arrival = get_provider().finish()
        person = read_person(arrival.claims, current_settings())
        return _link(arrival, person) if arrival.link else _arrive(arrival, person)
    except NotFound:
        raise
    except DomainError as error:
        return _back(error)


@blueprint.get("/app/oidc/proof")
@page()
def proof_page() -> ResponseReturnValue:
    """Ask for the password of the account that is to be linked."""
    try:
        proof = service.get_proof(current_session(), _uuid(PROOF))
    except NotFound as error:
        return _sign_in_again(error)
    return render_template("auth/provider_proof.html", proof=proof)


@blueprint.post("/app/oidc/proof")
@page(writes=True)
def prove() -> ResponseReturnValue:
    """Link the account after the right password, and go on signed in."""
    try:
        typed = {name: request.form[name] for name in ("password", "otp") if request.form.get(name)}
        data = read_form(ProofForm, typed, sentences=SENTENCES)
        granted = service.link_after_proof(
            current_session(),
            proof_id=_uuid(PROOF),
            password=data.password,
            otp=data.otp,
            client=current_client(),
        )
    except NotFound as error:
        return _sign_in_again(error)
    except DomainError as error:
        return _proof_again(error)
    answer = welcome(granted, session.get(WANTED))
    flash("Your account is linked. You can sign in either way now.", "success")
    return answer


@blueprint.get("/app/oidc/leave")
@page()
def leave() -> ResponseReturnValue:
    """Lead on to the provider's sign-out; here everything is over already."""
    visit = _uuid(VISIT)
    session.pop(VISIT, None)
    id_token = service.find_id_token(current_session(), sign_in_id=visit) if visit else None
    try:
        address = get_provider().leave(id_token) if id_token else ""
    except UpstreamUnavailable:
        flash("The identity provider does not answer, so you may still be signed in there.", "info")
        address = ""
    if not address:
        return redirect(way_out(None), 303)
    shown = render_template("auth/provider_leave.html", address=address)
    flash(SIGNED_OUT, "info")  # for the page that the provider leads back to
    return shown


@blueprint.get("/app/settings/identity-provider")
@page()
def settings_page() -> ResponseReturnValue:
    """Show whether the account is linked."""
    get_provider()
    link = service.get_link(current_session(), actor=current_actor())
    return render_template("auth/provider_settings.html", link=link)


@blueprint.get("/app/settings/identity-provider/link")
@page()
def link() -> ResponseReturnValue:
    """Lead to the provider, to come back with the identity to be linked."""
    here = url_for(".settings_page")
    try:
        family = str(current_actor().family_id)
        return redirect(get_provider().begin(wanted=here, link=family), 303)
    except UpstreamUnavailable as error:
        return _back(error)


@blueprint.post("/app/settings/identity-provider/unlink")
@page(writes=True)
def unlink() -> ResponseReturnValue:
    """Part the account from the provider."""
    get_provider()
    try:
        service.unlink(current_session(), actor=current_actor())
    except DomainError as error:
        return _back(error)
    flash("Your account is not linked any more. Other sessions were signed out.", "success")
    return redirect(url_for(".settings_page"), 303)


def find_visit(opened: Session, actor: Actor) -> UUID | None:
    """Return the sign-in at the provider that the actor's session came from, if it did."""
    return service.find_sign_in(opened, family_id=actor.family_id) if find_provider() else None


def way_out(visit: UUID | None) -> str:
    """Return where to go after signing out here: to the provider's, where it signed them in."""
    if visit is None:
        flash(SIGNED_OUT, "info")
        return url_for("auth.sign_in_page")
    session[VISIT] = str(visit)
    return url_for("auth_provider.leave")


def _arrive(arrival: Arrival, person: ProviderPerson) -> ResponseReturnValue:
    release_session()
    with current_database().unit_of_work() as opened:
        found = service.arrive(
            opened, person=person, id_token=arrival.id_token, client=current_client()
        )
    if isinstance(found, Tokens):
        return welcome(found, arrival.next)
    if isinstance(found, UUID):
        return lead_to_second_step(found, arrival.next)
    return _ask_for_proof(found, arrival.next)


def _link(arrival: Arrival, person: ProviderPerson) -> ResponseReturnValue:
    # The session that asked must be the one that comes back: nobody links into another's account.
    if not is_signed_in() or str(current_actor().family_id) != arrival.link:
        raise Malformed(OTHER_SESSION)
    actor = current_actor()
    release_session()
    with current_database().unit_of_work() as opened:
        found = service.await_proof(opened, actor=actor, person=person, id_token=arrival.id_token)
    return _ask_for_proof(found, arrival.next)


def _ask_for_proof(proof: service.Proof, wanted: str) -> ResponseReturnValue:
    session[PROOF], session[WANTED] = str(proof.id), wanted
    return redirect(url_for("auth_provider.proof_page"), 303)


def _uuid(name: str) -> UUID | None:
    kept = session.get(name)
    return UUID(kept) if kept else None


def _sign_in_again(error: DomainError) -> ResponseReturnValue:
    return form_again("auth/sign_in.html", error, typed={})


def _proof_again(error: DomainError) -> ResponseReturnValue:
    with current_database().reading() as reader:
        proof = service.get_proof(reader, _uuid(PROOF))
    return form_again("auth/provider_proof.html", error, proof=proof)


def _back(error: DomainError) -> ResponseReturnValue:
    if g.get("actor") is None and not is_signed_in():
        return _sign_in_again(error)
    link = service.get_link(current_session(), actor=current_actor())
    return form_again("auth/provider_settings.html", error, link=link)
