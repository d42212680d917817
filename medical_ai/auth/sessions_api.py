"""The endpoints of a person's own sessions and personal access tokens."""

from uuid import UUID

from flask import Blueprint

from medical_ai.auth import service
from medical_ai.auth.guards import current_account, prove_again
from medical_ai.auth.schemas import (
    PersonalTokenCreate,
    PersonalTokenMade,
    PersonalTokenRead,
    SessionRead,
)
from medical_ai.core.api import api
from medical_ai.core.http import current_actor, current_session
from medical_ai.core.schemas import Listing

blueprint = Blueprint("sessions_api", __name__)


@blueprint.get("/auth/sessions")
@api(answers={200: Listing[SessionRead]}, errors=[403])
def list_sessions() -> Listing[SessionRead]:
    """List one's own live sessions, the one used last first."""
    items = service.list_sessions(current_session(), actor=current_actor())
    return Listing[SessionRead](items=items)


@blueprint.delete("/auth/sessions")
@api(answers={204: None}, errors=[403], writes=True)
def revoke_other_sessions() -> None:
    """End all of one's own sessions but the one that asks."""
    service.revoke_other_sessions(current_session(), actor=current_actor())


@blueprint.delete("/auth/sessions/<uuid:session_id>")
@api(answers={204: None}, errors=[403], writes=True)
def revoke_session(session_id: UUID) -> None:
    """End one of one's own sessions; its next request is refused."""
    service.revoke_session(current_session(), actor=current_actor(), session_id=session_id)


@blueprint.get("/auth/tokens")
@api(answers={200: Listing[PersonalTokenRead]}, errors=[403])
def list_tokens() -> Listing[PersonalTokenRead]:
    """List one's own personal access tokens in this hospital, the newest first."""
    items = service.list_tokens(current_session(), actor=current_actor())
    return Listing[PersonalTokenRead](items=items)


@blueprint.post("/auth/tokens")
@api(body=PersonalTokenCreate, answers={201: PersonalTokenMade}, errors=[403, 409], writes=True)
def make_token(body: PersonalTokenCreate) -> PersonalTokenMade:
    """Make a personal access token for a program.

    Its text is in this answer alone. Whoever signed in more than ten minutes ago gives the
    password as well.
    """
    prove_again(body.password)
    zone = current_account().timezone
    return service.make_token(current_session(), actor=current_actor(), zone=zone, data=body)


@blueprint.delete("/auth/tokens/<uuid:token_id>")
@api(answers={204: None}, errors=[403], writes=True)
def revoke_token(token_id: UUID) -> None:
    """Revoke one of one's own personal access tokens; its next request is refused."""
    service.revoke_token(current_session(), actor=current_actor(), token_id=token_id)
