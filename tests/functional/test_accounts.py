"""Accounts over HTTP: sign up, sign in, refresh, sign out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from medical_ai.core import clock
from tests.support.http import Api, assert_problem, login
from tests.support.people import PASSWORD, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
CARLA = {"email": "carla@example.org", "password": PASSWORD, "timezone": "Europe/Madrid"}


def claims_of(token: str) -> dict[str, object]:
    """Read a token without checking it."""
    return jwt.decode(token, options={"verify_signature": False})


@BOTH
def test_signing_up_signs_in(api: Api) -> None:
    response = api.post("/auth/signup", CARLA)
    assert response.status_code == 201
    granted = response.get_json()
    assert granted["token_type"] == "Bearer"
    assert granted["expires_in"] == 900
    me = api.with_token(granted["access_token"]).get("/auth/me").get_json()
    assert me == granted["user"]
    assert (me["role"], me["timezone"], me["username"]) == ("patient", "Europe/Madrid", "carla")


@BOTH
def test_reading_ones_own_account_asks_the_database_once(
    app: Flask, api_of: Callable[[Person], Api], alice: Person
) -> None:
    alices = api_of(alice)
    alices.get("/auth/me")  # the hospital's name is remembered from here on
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        asked.append(arguments[2])

    engine = app.extensions["medical_ai.database"].engine
    event.listen(engine, "before_cursor_execute", note)
    assert alices.get("/auth/me").status_code == 200
    assert len([one for one in asked if "SELECT" in one]) == 1


def test_a_taken_address_is_a_conflict(api: Api) -> None:
    assert api.post("/auth/signup", CARLA).status_code == 201
    assert_problem(api.post("/auth/signup", CARLA), 409)


@pytest.mark.parametrize("extra", [{"role": "administrator"}, {"is_demo": True}, {"id": "x"}])
def test_nobody_chooses_what_they_are(api: Api, extra: dict[str, object]) -> None:
    assert_problem(api.post("/auth/signup", CARLA | extra), 422)


@pytest.mark.parametrize("password", ["short", "x" * 257])
def test_a_password_has_bounds(api: Api, password: str) -> None:
    assert_problem(api.post("/auth/signup", CARLA | {"password": password}), 422)


@pytest.mark.parametrize("password", ["x" * 64, "pässwörd mit 72+ bytes " + "ü" * 60, "🐴" * 20])
def test_long_and_foreign_passwords_work_and_are_not_cut(api: Api, password: str) -> None:
    assert api.post("/auth/signup", CARLA | {"password": password}).status_code == 201
    assert login(api, CARLA["email"], password).status_code == 200
    assert_problem(login(api, CARLA["email"], password[:-1]), 401)


@BOTH
@pytest.mark.parametrize("path", ["/auth/login", "/login"])
def test_signing_in_works_at_both_addresses(api: Api, alice: Person, path: str) -> None:
    response = login(api, alice.email, path=path)
    assert response.status_code == 200
    claims = claims_of(response.get_json()["access_token"])
    assert claims["sub"] == claims["user_id"] == str(alice.user_id)
    assert set(claims) >= {
        "username", "role", "permissions", "tenant", "iss", "aud", "iat", "exp", "jti", "fam",
    }  # fmt: skip


def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(
    api: Api, alice: Person
) -> None:
    answers = [login(api, email, "wrong one") for email in (alice.email, "nobody@example.org")]
    problems = [assert_problem(answer, 401) for answer in answers]
    assert {answer.headers["WWW-Authenticate"][:6] for answer in answers} == {"Bearer"}
    assert problems[0]["detail"] == problems[1]["detail"]


@BOTH
@pytest.mark.settings(access_token_seconds=1)
def test_an_expired_access_token_is_refreshed(api: Api, alice: Person) -> None:
    granted = login(api, alice.email).get_json()
    with time_machine.travel(clock.now() + timedelta(seconds=2), tick=False):
        expired = api.with_token(granted["access_token"]).get("/auth/me")
        assert_problem(expired, 401)
        assert 'error="invalid_token"' in expired.headers["WWW-Authenticate"]
        renewed = api.with_token(granted["refresh_token"]).post("/auth/refresh").get_json()
        me = api.with_token(renewed["access_token"]).get("/auth/me")
    assert me.get_json()["email"] == alice.email
    assert renewed["refresh_token"] != granted["refresh_token"]


@pytest.mark.settings(refresh_grace_seconds=0)
def test_a_refresh_token_used_twice_ends_the_session(api: Api, alice: Person) -> None:
    granted = login(api, alice.email).get_json()
    refresh = api.with_token(granted["refresh_token"])
    renewed = refresh.post("/auth/refresh").get_json()
    assert_problem(refresh.post("/auth/refresh"), 401)
    assert_problem(api.with_token(renewed["access_token"]).get("/auth/me"), 401)
    assert_problem(api.with_token(renewed["refresh_token"]).post("/auth/refresh"), 401)


@BOTH
def test_signing_out_kills_access_and_refresh_at_once(api: Api, alice: Person) -> None:
    granted = login(api, alice.email).get_json()
    mine = api.with_token(granted["access_token"])
    assert mine.get("/auth/me").status_code == 200
    response = mine.post("/auth/logout")
    assert (response.status_code, response.data) == (204, b"")
    assert_problem(mine.get("/auth/me"), 401)
    assert_problem(mine.post("/auth/verify"), 401)
    assert_problem(api.with_token(granted["refresh_token"]).post("/auth/refresh"), 401)


def test_verify_tells_what_a_token_says(api: Api, alice: Person) -> None:
    token = login(api, alice.email).get_json()["access_token"]
    answer = api.with_token(token).post("/auth/verify").get_json()
    assert answer["valid"] is True
    assert answer["claims"]["sub"] == str(alice.user_id)


def test_a_token_without_the_word_bearer_is_never_accepted(api: Api, alice: Person) -> None:
    token = login(api, alice.email).get_json()["access_token"]
    assert api.with_token(token).get("/auth/me").status_code == 200
    for header in (token, f"Basic {token}", f"Token {token}"):
        assert_problem(api.get("/auth/me", headers={"Authorization": header}), 401)


def test_a_token_in_a_cookie_or_in_the_address_opens_no_api(api: Api, alice: Person) -> None:
    token = login(api, alice.email).get_json()["access_token"]
    cookies = "; ".join(f"{name}={token}" for name in ("access", "__Host-access", "session"))
    assert_problem(api.get("/auth/me", headers={"Cookie": cookies}), 401)
    assert_problem(api.get(f"/auth/me?jwt={token}&access_token={token}"), 401)
