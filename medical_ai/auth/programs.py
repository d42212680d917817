"""What a program may open with a personal access token: default deny.

An endpoint of the JSON API that asks for a permission opens to a token with that scope. One that
asks for none stays shut unless it is listed here, and the endpoints of accounts stay shut whatever
they ask for: a token must not be able to make more of itself, or to lock its owner out.
"""

from functools import partial
from typing import Any

from flask import current_app, g, request

from medical_ai.auth import service
from medical_ai.auth.presence import note_use
from medical_ai.auth.service import Bearer, Client
from medical_ai.core import clock
from medical_ai.core.errors import PermissionDenied, Unauthenticated
from medical_ai.core.http import current_session

TOKEN_ENDPOINTS = frozenset({"auth_api.me", "auth_api.verify"})
"""Endpoints that ask for no permission, or are an account's, and accept a token all the same."""

ACCOUNT_PATHS = "/auth/"
INVALID = "The token is not valid."


def authenticate(text: str, client: Client) -> None:
    """Let a program act for the person whose token it bears.

    Raises Unauthenticated where the token does not hold, whatever the reason, and PermissionDenied
    where it does and the endpoint is not for programs.
    """
    bearer = service.find_bearer(current_session(), text=text)
    if bearer is None:
        raise Unauthenticated(INVALID, invalid_token=True)
    g.actor, g.account, g.claims = bearer.actor, bearer.account, _claims_of(bearer)
    if bearer.wants_note(clock.now()):
        note_use(
            partial(
                service.note_token_use,
                token_id=bearer.token_id,
                seen_at=bearer.last_used_at,
                client=client,
            )
        )
    if not accepts_programs(request.endpoint or "", request.path):
        raise PermissionDenied("A personal access token cannot do this. Sign in to do it.")


def accepts_programs(endpoint: str, path: str) -> bool:
    """Tell whether an endpoint opens to a personal access token at all."""
    if endpoint in TOKEN_ENDPOINTS:
        return True
    operation = getattr(current_app.view_functions[endpoint], "operation", None)
    asks = operation is not None and operation.permission is not None
    return asks and not path.startswith(ACCOUNT_PATHS)


def _claims_of(bearer: Bearer) -> dict[str, Any]:
    actor = bearer.actor
    return {
        "type": "personal",
        "sub": str(actor.user_id),
        "user_id": str(actor.user_id),
        "username": actor.username,
        "role": actor.role,
        "permissions": sorted(actor.permissions),
        "tenant": str(actor.tenant_id),
        "jti": str(bearer.token_id),
        "iat": int(bearer.created_at.timestamp()),
        "exp": int(bearer.expires_at.timestamp()),
    }
