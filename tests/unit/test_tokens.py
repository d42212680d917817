"""Our own tokens: what they say, who may have signed them, and what is remembered of them."""

import secrets
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine

from medical_ai.auth import tokens
from medical_ai.auth.remembered import VerifiedTokens
from medical_ai.core.config import Settings
from medical_ai.core.ids import new_id
from tests.support.settings import make_settings

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def identity() -> tokens.Identity:
    """Somebody in a hospital."""
    return tokens.Identity(
        user_id=new_id(),
        username="Alice",
        role="patient",
        permissions=frozenset({"chat:use", "dose:answer"}),
        hospital_id=new_id(),
        family_id=new_id(),
    )


def read(token: str) -> dict[str, object]:
    """Read a token without checking it."""
    claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_an_access_token_says_what_the_contract_names(
    plain_settings: Settings, identity: tokens.Identity
) -> None:
    claims = read(tokens.mint_access(plain_settings, identity, NOW))
    assert claims["sub"] == claims["user_id"] == str(identity.user_id)
    assert (claims["tenant"], claims["fam"]) == (str(identity.hospital_id), str(identity.family_id))
    assert claims["permissions"] == ["chat:use", "dose:answer"]
    assert claims["type"] == "access"
    assert claims["exp"] - claims["iat"] == 900  # type: ignore[operator]


def test_a_refresh_token_says_as_little_as_possible(
    plain_settings: Settings, identity: tokens.Identity
) -> None:
    jti = new_id()
    claims = read(tokens.mint_refresh(plain_settings, identity, jti, NOW, NOW + timedelta(days=7)))
    assert claims["jti"] == str(jti)
    assert set(claims) == {"sub", "iss", "aud", "iat", "nbf", "exp", "jti", "fam", "type"}


def test_the_header_names_the_key_and_nothing_else(
    plain_settings: Settings, identity: tokens.Identity
) -> None:
    header = jwt.get_unverified_header(tokens.mint_access(plain_settings, identity, NOW))
    assert set(header) == {"alg", "typ", "kid"}
    assert header["alg"] == "HS256"
    assert header["kid"] not in plain_settings.jwt_secret.get_secret_value()


def test_access_and_refresh_are_signed_by_different_keys(plain_settings: Settings) -> None:
    access, refresh = (tokens.accepted_keys(plain_settings, kind) for kind in ("access", "refresh"))
    assert access.keys().isdisjoint(refresh)


def test_a_former_key_is_accepted_and_signs_nothing(identity: tokens.Identity) -> None:
    old, new = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
    rotated = make_settings(jwt_secret=new, jwt_secret_previous=old)
    assert list(tokens.accepted_keys(rotated, "access").values()) == [new, old]
    header = jwt.get_unverified_header(tokens.mint_access(rotated, identity, NOW))
    assert header["kid"] == tokens.key_id(new)


def test_a_remembered_token_is_forgotten_when_it_expires() -> None:
    memory = VerifiedTokens()
    with time_machine.travel(NOW, tick=False):
        memory.put("token", {"exp": NOW.timestamp() + 10})
        assert memory.get("token") is not None
    with time_machine.travel(NOW + timedelta(seconds=10), tick=False):
        assert memory.get("token") is None
    with time_machine.travel(NOW, tick=False):
        assert memory.get("token") is None


def test_the_memory_is_bounded_and_keeps_what_is_in_use() -> None:
    memory = VerifiedTokens(kept=2)
    far = {"exp": 2**40}
    memory.put("a", far)
    memory.put("b", far)
    memory.get("a")
    memory.put("c", far)
    assert [name for name in "abc" if memory.get(name)] == ["a", "c"]


def test_what_was_never_checked_is_not_remembered() -> None:
    assert VerifiedTokens().get("") is None
