"""Access tokens of the provider at the JSON API: which are taken, and what each may do."""

import base64
import hashlib
import hmac
import json
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import Membership, TokenFamily, User
from medical_ai.auth.provider.bearer import KEY_COOLDOWN_SECONDS
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.http import Api, assert_problem, login
from tests.support.people import Person
from tests.support.provider import (
    AUDIENCE,
    CLIENT_ID,
    HOSPITAL,
    OTHER_AUDIENCE,
    PERMISSIONS,
    IdentityProvider,
)
from tests.support.waiting import wait_until

SLOWEST_SECONDS = 0.1

Claims = dict[str, Any]


@pytest.fixture
def token(idp: IdentityProvider, linked: Person) -> str:
    """A genuine access token of Alice's, as a program gets it."""
    return str(idp.token_for(linked.email)["access_token"])


@pytest.fixture
def claims(token: str) -> Claims:
    """What the genuine token says."""
    return dict(jwt.decode(token, options={"verify_signature": False}))


def status_of(api: Api, token: str) -> int:
    """Return the answer to a token."""
    return api.with_token(token).get("/auth/me").status_code


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_a_program_with_a_token_of_the_provider_is_the_linked_account(
    api: Api, token: str, linked: Person
) -> None:
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    hers = api.with_token(token)
    assert hers.get("/auth/me").get_json()["email"] == linked.email
    assert hers.post("/auth/verify").get_json()["claims"]["sub"] == "idp|alice"
    assert hers.get("/medications").status_code == 200


def test_our_own_tokens_are_taken_beside_them(api: Api, token: str, linked: Person) -> None:
    ours = login(api, linked.email).get_json()["access_token"]
    assert (status_of(api, ours), status_of(api, token)) == (200, 200)


def test_both_dialects_of_an_access_token_are_taken(
    api: Api, idp: IdentityProvider, claims: Claims
) -> None:
    assert status_of(api, idp.forge(claims, typ="JWT")) == 200
    several = claims | {"aud": [AUDIENCE, f"{idp.issuer}/me"]}
    assert status_of(api, idp.forge(several)) == 200


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _hmac(claims: Claims, key: bytes, kid: str) -> str:
    # By hand: the library refuses to do what an attacker does.
    header = _b64(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
    signed = f"{header}.{_b64(json.dumps(claims).encode())}"
    return f"{signed}.{_b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def _stolen_form(idp: IdentityProvider, claims: Claims) -> dict[str, str]:
    key = idp.steer("keys")[0]
    public = jwt.PyJWK(key).key.public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    mine = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    url = f"{idp.issuer}/evil/keys"

    def signed(**header: Any) -> str:
        return jwt.encode(
            claims, own, algorithm="RS256", headers={"typ": "at+jwt", "kid": key["kid"]} | header
        )

    unsigned = _b64(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    return {
        "HS256 with the public key": _hmac(claims, pem, key["kid"]),
        "none": f"{unsigned}.{_b64(json.dumps(claims).encode())}.",
        "another key": signed(),
        "another key with jwk": signed(jwk=mine),
        "another key with jku": signed(jku=url),
        "another key with x5u": signed(x5u=url),
        "another algorithm": jwt.encode(
            claims, own, algorithm="PS256", headers={"typ": "at+jwt", "kid": key["kid"]}
        ),
        "unknown kid": signed(kid=uuid4().hex),
        "kid a path": signed(kid="../../dev/null"),
        "kid of no text": signed(kid=""),
        "kid without end": signed(kid="k" * 5000),
    }


def _wrong_claims(idp: IdentityProvider, claims: Claims) -> dict[str, str]:
    now = int(time.time())

    def changed(**others: Any) -> str:
        mixed = claims | others
        return idp.forge({name: value for name, value in mixed.items() if value is not ...})

    return {
        "expired": changed(exp=now - 60),
        "not yet": changed(nbf=now + 600),
        "another audience": changed(aud=OTHER_AUDIENCE),
        "audience of the id token": changed(aud=CLIENT_ID),
        "our own audience": changed(aud="medical-ai-assistant"),
        "another issuer": changed(iss="https://evil.example.org"),
        "issuer with a slash": changed(iss=idp.issuer + "/"),
        "our own issuer": changed(iss="medical-ai-assistant"),
        **{
            f"without {name}": changed(**{name: ...})
            for name in ("exp", "iat", "sub", "iss", "aud")
        },
        "sub a number": changed(sub=7),
        "sub unknown": changed(sub="idp|nobody"),
        "sub an id of ours": changed(sub=str(uuid4())),
        "another type": idp.forge(claims, typ="logout+jwt"),
        "no type": idp.forge(claims, typ=None),
        "hospital unknown": changed(**{HOSPITAL: "nowhere"}),
        "hospital of others": changed(**{HOSPITAL: "hillside"}),
    }


def test_every_other_token_is_refused(
    api: Api, idp: IdentityProvider, claims: Claims, token: str
) -> None:
    assert status_of(api, idp.forge(claims)) == 200  # the forging itself works
    forged = _stolen_form(idp, claims) | _wrong_claims(idp, claims)
    header, payload, signature = token.split(".")
    forged["tampered"] = f"{header}.{_b64(json.dumps(claims | {'sub': 'x'}).encode())}.{signature}"
    forged["cut off"] = f"{header}.{payload}."
    wrong = {name: status for name, one in forged.items() if (status := status_of(api, one)) != 401}
    assert wrong == {}
    assert len(forged) >= 28


def test_another_programs_token_and_an_id_token_are_refused(
    api: Api, idp: IdentityProvider, linked: Person
) -> None:
    other = idp.token_for(linked.email, OTHER_AUDIENCE)
    for name in ("access_token", "id_token"):
        refused = api.with_token(other[name]).get("/auth/me")
        assert_problem(refused, 401)
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_a_token_of_the_provider_renews_nothing(api: Api, token: str) -> None:
    assert_problem(api.with_token(token).post("/auth/refresh"), 401)


@pytest.mark.settings(oidc_audience="")
def test_without_an_audience_none_is_taken(api: Api, token: str) -> None:
    assert status_of(api, token) == 401


def test_who_is_suspended_or_parted_is_refused_at_once(
    api: Api, token: str, database: Database, linked: Person
) -> None:
    changes: list[Callable[[User, Membership, Any], None]] = [
        lambda user, _place, moment: setattr(user, "suspended_at", moment),
        lambda _user, place, moment: setattr(place, "suspended_at", moment),
        lambda user, _place, moment: setattr(user, "auth0_user_id", "x" if moment else "idp|alice"),
    ]
    for change in changes:
        for moment, status in ((clock.now(), 401), (None, 200)):
            with database.unit_of_work() as session:
                user = session.get_one(User, linked.user_id)
                place = session.scalars(
                    select(Membership).where(Membership.user_id == linked.user_id)
                ).one()
                change(user, place, moment)
            assert status_of(api, token) == status


def test_permissions_of_a_token_only_narrow(
    api: Api, idp: IdentityProvider, claims: Claims
) -> None:
    def permissions(granted: Any) -> list[str]:
        token = idp.forge(claims | {PERMISSIONS: granted})
        found: list[str] = api.with_token(token).get("/auth/me").get_json()["permissions"]
        return found

    assert permissions(["medication:read", "staff:manage"]) == ["medication:read"]
    assert permissions("chat:use medication:read") == ["chat:use", "medication:read"]
    assert permissions([]) == permissions(7) == []
    narrow = api.with_token(idp.forge(claims | {PERMISSIONS: ["medication:read"]}))
    assert narrow.get("/medications").status_code == 200
    assert_problem(narrow.post("/chat/message", {"message": "hello"}), 403)


def test_charlie_of_another_hospital_sees_nothing_with_one(
    api: Api, idp: IdentityProvider, database: Database, linked: Person, charlie: Person
) -> None:
    idp.add("idp|charlie", charlie.email)
    with database.unit_of_work() as session:
        session.get_one(User, charlie.user_id).auth0_user_id = "idp|charlie"
    his = api.with_token(idp.token_for(charlie.email)["access_token"])
    assert his.get("/auth/me").get_json()["role"] == "doctor"
    for code in ("NUGWI", "WGINU"):
        assert_problem(his.get(f"/medications?patient_id={code}"), 404)


def test_signing_out_with_one_says_that_it_ends_elsewhere(
    api: Api, token: str, database: Database
) -> None:
    problem = assert_problem(api.with_token(token).post("/auth/logout"), 409)
    assert "identity provider" in problem["detail"]
    assert status_of(api, token) == 200
    with database.reading() as session:
        assert session.scalars(select(TokenFamily)).all() == []
        assert "account:signed-out" not in session.scalars(select(AuditEvent.tag)).all()


def test_keys_are_read_once_for_many_tokens_in_many_threads(
    api: Api, idp: IdentityProvider, token: str
) -> None:
    before, seen = idp.keys_read, []
    threads = [
        threading.Thread(target=lambda: seen.append(status_of(api, token))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [200] * 8
    assert idp.keys_read - before == 1


@pytest.mark.settings(oidc_keys_seconds=300)
def test_tokens_with_made_up_keys_do_not_make_us_read_keys(
    api: Api, idp: IdentityProvider, token: str, claims: Claims
) -> None:
    assert status_of(api, token) == 200
    before, began = idp.keys_read, time.monotonic()
    assert {status_of(api, idp.forge(claims, kid=f"made-up-{n}")) for n in range(30)} == {401}
    pauses = (time.monotonic() - began) / KEY_COOLDOWN_SECONDS
    assert idp.keys_read - before <= 1 + pauses


def test_a_fresh_key_is_taken_soon_and_a_withdrawn_one_lapses(
    api: Api, idp: IdentityProvider, token: str, linked: Person
) -> None:
    assert status_of(api, token) == 200
    idp.steer("rotate", keep=True)
    fresh = idp.token_for(linked.email)["access_token"]
    wait_until(lambda: status_of(api, fresh) == 200, seconds=5, what="the fresh key is taken")
    assert status_of(api, token) == 200  # both are announced
    idp.steer("rotate", keep=False)
    wait_until(lambda: status_of(api, token) == 401, seconds=5, what="the withdrawn key lapsed")


def test_a_provider_that_is_away_is_503_and_comes_back(
    api: Api, idp: IdentityProvider, token: str, linked: Person
) -> None:
    assert status_of(api, token) == 200
    ours = login(api, linked.email).get_json()["access_token"]
    with idp.away():
        wait_until(lambda: status_of(api, token) != 200, seconds=5, what="the keys lapsed")
        began = time.monotonic()
        away = api.with_token(token).get("/auth/me")
        assert time.monotonic() - began < SLOWEST_SECONDS  # it was tried a moment ago
        assert_problem(away, 503)
        assert away.headers["Retry-After"] == "5"
        assert status_of(api, ours) == 200
        assert api.get("/health/live").status_code == 200
    wait_until(lambda: status_of(api, token) == 200, seconds=10, what="the provider is back")


def test_checking_a_token_takes_less_than_a_tenth_of_a_second(api: Api, token: str) -> None:
    status_of(api, token)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        assert status_of(api, token) == 200
        took.append(time.perf_counter() - began)
    print(f"median {statistics.median(took) * 1000:.1f} ms, slowest {max(took) * 1000:.1f} ms")
    assert statistics.median(took) < SLOWEST_SECONDS
