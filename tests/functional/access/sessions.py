"""The endpoints of sessions and personal access tokens."""

from datetime import timedelta

from medical_ai.core import clock
from tests.functional.access import EVERYBODY, Row, answers

OWNERS = answers(alice=200, rest=404)
SESSION, TOKEN = "{family_id}", "{token_id}"
IN_A_MONTH = (clock.now() + timedelta(days=30)).date().isoformat()
NEW_TOKEN = {"name": "a script", "expires_on": IN_A_MONTH}

MATRIX: dict[str, Row] = {
    "sessions_api.list_sessions": ("/auth/sessions", None, EVERYBODY),
    "sessions_api.revoke_session": (f"/auth/sessions/{SESSION}", None, OWNERS),
    "sessions_api.revoke_other_sessions": ("/auth/sessions", None, EVERYBODY),
    "sessions_api.list_tokens": ("/auth/tokens", None, EVERYBODY),
    "sessions_api.make_token": ("/auth/tokens", NEW_TOKEN, EVERYBODY),
    "sessions_api.revoke_token": (f"/auth/tokens/{TOKEN}", None, OWNERS),
}

SESSIONS, TOKENS = "/app/settings/sessions", "/app/settings/tokens"
OWNERS_SESSION = f"{SESSIONS}/{{family_id}}/revoke"

PAGES: dict[str, Row] = {
    "auth_sessions.make_token": (f"{TOKENS}/new", NEW_TOKEN, answers(rest=422)),
    "auth_sessions.new_token_page": (f"{TOKENS}/new", None, EVERYBODY),
    "auth_sessions.revoke_session": (OWNERS_SESSION, {}, OWNERS),
    "auth_sessions.revoke_other_sessions": (f"{SESSIONS}/revoke", {}, EVERYBODY),
    "auth_sessions.revoke_token": (f"{TOKENS}/{{token_id}}/revoke", {}, OWNERS),
    "auth_sessions.session_left": ("/app/session", None, EVERYBODY),
    "auth_sessions.sessions_page": (SESSIONS, None, EVERYBODY),
    "auth_sessions.stay_signed_in": ("/app/session", {}, EVERYBODY),
    "auth_sessions.tokens_page": (TOKENS, None, EVERYBODY),
}
