"""Forged tokens are refused, all of them, and nothing is fetched to find out."""

import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import jwt
import pytest

from medical_ai.core.config import Settings
from tests.support.http import Api, assert_problem, login
from tests.support.people import Person
from tests.support.tokens import Forger, forgeries, refresh_forgeries


@pytest.fixture
def forger(settings: Settings, api: Api, alice: Person) -> Forger:
    """Somebody who has a genuine session of Alice's, and the keys."""
    granted = login(api, alice.email).get_json()
    access, refresh = (
        jwt.decode(granted[name], options={"verify_signature": False})
        for name in ("access_token", "refresh_token")
    )
    return Forger(settings, access, refresh)


@pytest.fixture
def no_network() -> Iterator[None]:
    """Let every outgoing connection fail the test."""

    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"an outgoing connection to {arguments[1:]}")

    with patch.object(socket.socket, "connect", refuse):
        yield


@pytest.mark.usefixtures("no_network")
def test_the_forger_knows_the_trade(forger: Forger, api: Api) -> None:
    assert api.with_token(forger.honest()).get("/auth/me").status_code == 200
    assert len(forgeries(forger)) >= 70


@pytest.mark.usefixtures("no_network")
def test_every_forged_access_token_is_refused(forger: Forger, api: Api) -> None:
    wrong = {}
    for name, token in forgeries(forger).items():
        response = api.with_token(token).get("/auth/me")
        if response.status_code != 401 or "WWW-Authenticate" not in response.headers:
            wrong[name] = response.status_code
    assert wrong == {}


@pytest.mark.usefixtures("no_network")
def test_a_forged_token_is_refused_by_writers_too(forger: Forger, api: Api) -> None:
    wrong = {}
    for name, token in forgeries(forger).items():
        forged = api.with_token(token)
        for path in ("/auth/verify", "/auth/logout", "/chat/message"):
            status = forged.post(path, {}).status_code
            if status != 401:
                wrong[name, path] = status
    assert wrong == {}
    assert api.with_token(forger.honest()).get("/auth/me").status_code == 200


@pytest.mark.usefixtures("no_network")
def test_every_forged_refresh_token_is_refused(forger: Forger, api: Api) -> None:
    wrong = {}
    for name, token in refresh_forgeries(forger).items():
        response = api.with_token(token).post("/auth/refresh")
        if response.status_code != 401:
            wrong[name] = response.status_code
    assert wrong == {}


def test_a_refusal_tells_nothing_of_the_reason(forger: Forger, api: Api) -> None:
    details = set()
    for name in ("another key", "for another audience", "sub 'x'", "nonsense", "jku"):
        response = api.with_token(forgeries(forger)[name]).get("/auth/me")
        details.add(assert_problem(response, 401)["detail"])
    assert len(details) == 1
