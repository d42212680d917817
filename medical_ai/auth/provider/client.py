"""The way to the provider and back: authorization code with PKCE, state and nonce, by Authlib.

This is the part that knows Flask. What is between the two halves of a sign-in (state, nonce, the
code verifier) is in the signed session cookie of the browser that began it, and nowhere else.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import Flask, current_app, request, session, url_for

from medical_ai.auth.provider.bearer import ALGORITHM, LEEWAY_SECONDS, ProviderKeys
from medical_ai.auth.provider.claims import parse_role_map
from medical_ai.auth.provider.discovery import Discovery, Metadata, away
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.errors import Malformed, NotFound, PermissionDenied
from medical_ai.core.http import current_settings
from medical_ai.core.logging import get_logger

EXTENSION = "medical_ai.provider"
CLIENT = "provider"
STATE_PREFIX = f"_state_{CLIENT}_"
STATES_KEPT = 2
"""Other sign-ins begun in this browser that may still be finished; a cookie holds 4 KiB."""
LONGEST = timedelta(minutes=15)
LOST = "This sign-in took too long, or was begun in another browser. Please begin again."
DISTRUSTED = "What the identity provider answered could not be trusted. Please begin again."
DENIED = "The identity provider did not sign you in. You can try again, or sign in another way."

# At DEBUG it would write code verifiers into the log.
logging.getLogger("authlib").setLevel(logging.INFO)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody came back from the provider, and what it says was checked.

    `link` is the session that asked to be linked, empty at an ordinary sign-in.
    """

    claims: dict[str, Any]
    id_token: str
    next: str
    link: str


class ProviderClient:
    """This installation as a client of the provider."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self.discovery = Discovery(settings)
        self.keys = ProviderKeys(settings, self.discovery)
        self._known: Metadata | None = None
        self._oauth: Any = None

    def begin(self, *, wanted: str, link: str = "", is_again: bool = False) -> str:
        """Return the address at the provider to send the browser to.

        `is_again` has it ask anew who somebody is, whatever session it has of them.
        """
        client = self._client()
        redirect_uri = address_of("auth_provider.callback")
        asked = {"prompt": "login"} if is_again else {}
        begun = client.create_authorization_url(redirect_uri, **asked)
        _forget_older_states()
        client.save_authorize_data(
            redirect_uri=redirect_uri,
            state=begun["state"],
            nonce=begun["nonce"],
            code_verifier=begun["code_verifier"],
            next=wanted,
            link=link,
            begun=clock.now().timestamp(),
        )
        return str(begun["url"])

    def finish(self) -> Arrival:
        """Take what the browser brings back; exchange and check it.

        Raises Malformed for a state that is not this browser's, PermissionDenied where the
        provider refused or its answer does not hold, UpstreamUnavailable where it is away.
        """
        state = request.args.get("state", "")
        client = self._client()
        begun = client.framework.get_state_data(session, state)
        if begun is None or clock.now().timestamp() - begun["begun"] > LONGEST.total_seconds():
            raise Malformed(LOST)
        if "error" in request.args:
            client.framework.clear_state_data(session, state)
            raise PermissionDenied(DENIED)
        self._check_sender(client.server_metadata)
        token = self._exchange(client)
        return Arrival(
            claims=self._claims_of(client, token),
            id_token=str(token["id_token"]),
            next=begun["next"],
            link=begun["link"],
        )

    def leave(self, id_token: str) -> str:
        """Return the address that ends the session at the provider; empty where it has none."""
        from authlib.common.urls import add_params_to_uri  # as late as the client

        end = self._settings.oidc_logout_url or self.discovery.metadata().get(
            "end_session_endpoint"
        )
        if not end:
            return ""
        asked = {
            "id_token_hint": id_token,
            "client_id": self._settings.oidc_client_id,
            "post_logout_redirect_uri": address_of("auth.sign_in_page"),
        }
        return str(add_params_to_uri(end, asked))

    def _check_sender(self, metadata: Metadata) -> None:
        # RFC 9207: the answer says whose it is, so that another provider's is not taken for it.
        sender = request.args.get("iss")
        promised = metadata.get("authorization_response_iss_parameter_supported") is True
        if (sender or promised) and sender != self._settings.oidc_issuer:
            raise PermissionDenied(DISTRUSTED)

    def _exchange(self, client: Any) -> dict[str, Any]:
        with _upstream():
            token = client.authorize_access_token(
                claims_options={
                    "iss": {"essential": True, "value": self._settings.oidc_issuer},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                    "nonce": {"essential": True},
                },
                leeway=LEEWAY_SECONDS,
                allow_redirects=False,
            )
        if "userinfo" not in token:
            raise PermissionDenied(DISTRUSTED)  # no id token: this is no sign-in
        return cast(dict[str, Any], token)

    def _claims_of(self, client: Any, token: dict[str, Any]) -> dict[str, Any]:
        claims = dict(token["userinfo"])
        if "email" in claims or "userinfo_endpoint" not in client.server_metadata:
            return claims
        with _upstream():
            more = client.userinfo(token=token, allow_redirects=False)
        if more.get("sub") != claims["sub"]:  # OpenID Connect Core 5.3.2
            raise PermissionDenied(DISTRUSTED)
        return dict(more) | claims

    def _client(self) -> Any:
        """Return Authlib's client for the provider as its discovery describes it now."""
        # Loaded at the first sign-in: processes that never see one go without its memory.
        from authlib.integrations.flask_client import OAuth

        metadata = self.discovery.metadata()
        if self._oauth is None or self._known is not metadata:
            oauth = OAuth(self._app)
            oauth.register(
                CLIENT,
                client_id=self._settings.oidc_client_id,
                client_secret=self._settings.oidc_client_secret.get_secret_value(),
                client_kwargs={
                    "scope": self._settings.oidc_scopes,
                    "code_challenge_method": "S256",
                    "token_endpoint_auth_method": _authentication(metadata),
                    "default_timeout": self._settings.oidc_timeout_seconds,
                },
                **(metadata | {"id_token_signing_alg_values_supported": [ALGORITHM]}),
            )
            self._oauth, self._known = oauth, metadata
        return self._oauth.create_client(CLIENT)


@contextmanager
def _upstream() -> Iterator[None]:
    """Turn what may go wrong on the way to the provider into an error of ours."""
    from authlib.common.errors import AuthlibBaseError  # as late as the client
    from joserfc.errors import JoseError

    try:
        yield
    except OSError as error:  # those of requests are, too
        get_logger().warning("provider.away", exc_info=error)
        raise away() from error
    except (AuthlibBaseError, JoseError, RuntimeError, LookupError, ValueError, TypeError) as error:
        get_logger().warning("provider.distrusted", exc_info=error)
        raise PermissionDenied(DISTRUSTED) from error


def install_provider(app: Flask, settings: Settings) -> None:
    """Make the provider known to the application. Raises SettingsError on a map of no use."""
    parse_role_map(settings)
    app.extensions[EXTENSION] = ProviderClient(app, settings) if settings.oidc_issuer else None


def find_provider() -> ProviderClient | None:
    """Return the provider, None where none is configured."""
    return cast("ProviderClient | None", current_app.extensions[EXTENSION])


def get_provider() -> ProviderClient:
    """Return the provider. Raises NotFound where none is configured."""
    found = find_provider()
    if found is None:
        raise NotFound
    return found


def address_of(endpoint: str) -> str:
    """Return the full address of a page of ours, as people and the provider know it.

    It comes from the settings: a Host header is the caller's, and the provider compares.
    """
    return current_settings().public_url.rstrip("/") + url_for(endpoint)


def _authentication(metadata: Metadata) -> str:
    offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"


def _forget_older_states() -> None:
    begun = sorted(
        (name for name in session if name.startswith(STATE_PREFIX)),
        key=lambda name: session[name].get("exp", 0),
    )
    for name in begun[: max(0, len(begun) - STATES_KEPT)]:
        session.pop(name)
