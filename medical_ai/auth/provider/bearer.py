"""Access tokens of the provider: RS256 by its own published keys, and nothing else.

Which path a token takes is chosen by its unverified `alg`; what may have signed it is then fixed.
Headers that name a key or the address of one (`jku`, `x5u`, `jwk`) are never looked at: keys come
from the address in the discovery document alone.
"""

import time
from typing import Any

import jwt

from medical_ai.auth.provider.discovery import RETRY_SECONDS, Discovery, away, fetch_json
from medical_ai.core.config import Settings
from medical_ai.core.errors import DomainError, Unauthenticated
from medical_ai.core.logging import get_logger

ALGORITHM = "RS256"
TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
LEEWAY_SECONDS = 10
KEY_COOLDOWN_SECONDS = 10
MAX_KID = 255
INVALID = "The token is not valid."


class ProviderKeys(jwt.PyJWKClient):
    """The provider's keys, kept for a while; one for the whole process, for every thread of it.

    A token with a key not seen yet makes us look again, at most every few seconds. While the
    provider is away a look is not repeated at once: only the first thread waits for it.
    """

    def __init__(self, settings: Settings, discovery: Discovery) -> None:
        super().__init__(
            settings.oidc_issuer,  # the address of the keys comes from the discovery
            lifespan=settings.oidc_keys_seconds,
            cooldown_duration=min(KEY_COOLDOWN_SECONDS, settings.oidc_keys_seconds),
        )
        self._discovery = discovery
        self._timeout_seconds = settings.oidc_timeout_seconds
        self._retry_at = 0.0

    def fetch_data(self) -> Any:
        """Read the keys. Raises PyJWKClientConnectionError, whatever it was that failed."""
        if time.monotonic() < self._retry_at:
            raise jwt.PyJWKClientConnectionError("away a moment ago")
        try:
            address = self._discovery.metadata()["jwks_uri"]
            found = fetch_json(address, timeout_seconds=self._timeout_seconds)
            return jwt.PyJWKSet.from_dict(found)
        except (DomainError, jwt.PyJWTError, OSError, ValueError) as error:
            get_logger().warning("provider.keys-failed", exc_info=error)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            raise jwt.PyJWKClientConnectionError("no keys") from error


def is_providers(token: str) -> bool:
    """Tell whether a token claims to be signed as the provider's are."""
    try:
        return bool(jwt.get_unverified_header(token).get("alg") == ALGORITHM)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False


def verify_access_token(token: str, *, settings: Settings, keys: ProviderKeys) -> dict[str, Any]:
    """Return the claims of an access token that the provider made for our API.

    Raises Unauthenticated, and UpstreamUnavailable where the keys cannot be had: whoever holds a
    good token must not be told that it is bad.
    """
    if not settings.oidc_audience:
        raise Unauthenticated(INVALID, invalid_token=True)
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if str(header.get("typ")).lower() not in TYPES or not 0 < len(str(kid)) <= MAX_KID:
            raise jwt.InvalidTokenError("another kind of token")
        key = keys.get_signing_key(str(kid))
        if key.key_type != "RSA":
            raise jwt.InvalidTokenError("another kind of key")
        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[ALGORITHM],
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub", "iss", "aud"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise away() from error
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise Unauthenticated(INVALID, invalid_token=True) from error
    return claims
