"""Our own JWTs: HS256, a secret per token type, and a `kid` that is a key's fingerprint.

Tokens follow RFC 7519; claims are those of the API contract. Verification at the edge of a
request is the guard's business; this module is pure.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import jwt

from medical_ai.core.config import Settings
from medical_ai.core.ids import new_id

ALGORITHM = "HS256"
TokenType = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What an access token says of its bearer."""

    user_id: UUID
    username: str
    role: str
    permissions: frozenset[str]
    hospital_id: UUID
    family_id: UUID


def key_id(secret: str) -> str:
    """Return the `kid` of a secret: a fingerprint that tells nothing of it."""
    return hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:16]


def accepted_keys(settings: Settings, token_type: TokenType) -> dict[str, str]:
    """Return the secrets that may have signed a token of this type, by `kid`."""
    if token_type == "access":  # noqa: S105 - a type's name
        secrets = (settings.jwt_secret, settings.jwt_secret_previous)
    else:
        secrets = (settings.jwt_refresh_secret, settings.jwt_refresh_secret_previous)
    values = (secret.get_secret_value() for secret in secrets)
    return {key_id(value): value for value in values if value}


def mint_access(settings: Settings, identity: Identity, now: datetime) -> str:
    """Sign an access token."""
    claims: dict[str, Any] = {
        "user_id": str(identity.user_id),
        "username": identity.username,
        "role": identity.role,
        "permissions": sorted(identity.permissions),
        "tenant": str(identity.hospital_id),
    }
    expires_at = now + timedelta(seconds=settings.access_token_seconds)
    claims |= _common(settings, identity, new_id(), now, expires_at)
    return _sign(settings, "access", claims)


def mint_refresh(
    settings: Settings, identity: Identity, jti: UUID, now: datetime, expires_at: datetime
) -> str:
    """Sign the refresh token that the row `jti` stands for."""
    return _sign(settings, "refresh", _common(settings, identity, jti, now, expires_at))


def family_of(access_token: str) -> UUID:
    """Return the family of an access token that we signed a moment ago, without checking it."""
    claims = jwt.decode(access_token, options={"verify_signature": False})
    return UUID(claims["fam"])


def _common(
    settings: Settings, identity: Identity, jti: UUID, now: datetime, expires_at: datetime
) -> dict[str, Any]:
    return {
        "sub": str(identity.user_id),
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "iat": now,
        "nbf": now,
        "exp": expires_at,
        "jti": str(jti),
        "fam": str(identity.family_id),
    }


def _sign(settings: Settings, token_type: TokenType, claims: dict[str, Any]) -> str:
    kid, secret = next(iter(accepted_keys(settings, token_type).items()))
    return jwt.encode(
        claims | {"type": token_type}, secret, algorithm=ALGORITHM, headers={"kid": kid}
    )
