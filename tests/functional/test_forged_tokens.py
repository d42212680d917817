"""Forged tokens are refused, all of them, and nothing is fetched to find out."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from sqlalchemy import update

from medical_ai.auth.models import Membership
from medical_ai.auth.permissions import Role
from medical_ai.auth.tokens import key_id
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.http import Api, assert_problem, login
from tests.support.people import Person
from tests.support.tokens import Forger, forgeries, personal_forgeries, refresh_forgeries


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


@pytest.fixture
def personal(api: Api, alice: Person) -> dict[str, str]:
    """A token of Alice's that holds, with the id of its row, and one that was revoked."""
    hers = api.with_token(login(api, alice.email).get_json()["access_token"])
    last_day = (clock.now() + timedelta(days=30)).date().isoformat()
    made = [
        hers.post("/auth/tokens", {"name": name, "expires_on": last_day}).get_json()
        for name in ("holds", "revoked")
    ]
    assert api.with_token(made[1]["token"]).get("/medications").status_code == 200
    assert hers.delete(f"/auth/tokens/{made[1]['id']}").status_code == 204
    return {"genuine": made[0]["token"], "token_id": made[0]["id"], "revoked": made[1]["token"]}


@pytest.mark.usefixtures("no_network")
def test_every_forged_personal_token_is_refused(personal: dict[str, str], api: Api) -> None:
    wrong, said = {}, set()
    for name, token in personal_forgeries(**personal).items():
        for method, path in (("GET", "/medications"), ("POST", "/auth/verify")):
            response = api.with_token(token).request(method, path)
            said.add(response.get_json()["detail"])
            if response.status_code != 401 or "WWW-Authenticate" not in response.headers:
                wrong[name, path] = response.status_code
    assert wrong == {}
    assert len(said) == 1
    assert api.with_token(personal["genuine"]).get("/medications").status_code == 200


def test_no_kind_of_token_passes_for_another(
    forger: Forger, api: Api, alice: Person, personal: dict[str, str]
) -> None:
    granted = login(api, alice.email).get_json()
    access, refresh = granted["access_token"], granted["refresh_token"]
    refused = {
        "refresh as access": api.with_token(refresh).get("/auth/me"),
        "refresh at a writer": api.with_token(refresh).post("/auth/logout"),
        "access as refresh": api.with_token(access).post("/auth/refresh"),
        "personal as refresh": api.with_token(personal["genuine"]).post("/auth/refresh"),
        "JWT behind the prefix": api.with_token(f"mai_pat_{access}").get("/auth/me"),
        "access typed personal": api.with_token(forger.changed(type="personal")).get("/auth/me"),
        "access with the jti of a token": api.with_token(
            forger.changed(jti=personal["token_id"], fam=personal["token_id"])
        ).get("/auth/me"),
        "basic": api.get("/auth/me", headers={"Authorization": f"Basic {personal['genuine']}"}),
        "bare": api.get("/auth/me", headers={"Authorization": personal["genuine"]}),
        "in the address": api.get(f"/auth/me?access_token={personal['genuine']}"),
    }
    assert {name: one.status_code for name, one in refused.items()} == dict.fromkeys(refused, 401)
    # None of it harmed the session: a refused token revokes nothing.
    assert api.with_token(access).get("/auth/me").status_code == 200
    assert api.with_token(refresh).post("/auth/refresh").status_code == 200


def test_a_token_of_a_revoked_session_is_refused_everywhere(api: Api, alice: Person) -> None:
    granted = login(api, alice.email).get_json()
    access, refresh = api.with_token(granted["access_token"]), granted["refresh_token"]
    [one] = access.get("/auth/sessions").get_json()["items"]
    assert access.delete(f"/auth/sessions/{one['id']}").status_code == 204
    for path in ("/auth/verify", "/auth/logout", "/auth/tokens", "/chat/message"):
        assert_problem(access.post(path, {}), 401)
    assert_problem(api.with_token(refresh).post("/auth/refresh"), 401)


@pytest.mark.settings(refresh_grace_seconds=0)
def test_a_replayed_refresh_token_ends_its_session_and_no_other(
    api: Api, alice: Person, personal: dict[str, str]
) -> None:
    other = login(api, alice.email).get_json()
    granted = login(api, alice.email).get_json()
    replayed = api.with_token(granted["refresh_token"])
    newer = replayed.post("/auth/refresh").get_json()
    for _ in range(2):
        assert_problem(replayed.post("/auth/refresh"), 401)
    assert_problem(api.with_token(newer["access_token"]).get("/auth/me"), 401)
    assert_problem(api.with_token(newer["refresh_token"]).post("/auth/refresh"), 401)
    assert api.with_token(other["access_token"]).get("/auth/me").status_code == 200
    assert api.with_token(personal["genuine"]).get("/medications").status_code == 200


def test_the_refresh_token_of_one_session_renews_no_other(
    forger: Forger, api: Api, alice: Person
) -> None:
    other = login(api, alice.email).get_json()
    claims = jwt.decode(other["access_token"], options={"verify_signature": False})
    mixed = forger.refresh | {"fam": claims["fam"]}
    token = forger.sign(mixed, key=forger.refresh_key, kid=key_id(forger.refresh_key))
    assert_problem(api.with_token(token).post("/auth/refresh"), 401)


def test_a_token_from_before_the_role_changed_is_refused(
    api: Api, alice: Person, database: Database
) -> None:
    granted = login(api, alice.email).get_json()
    with database.unit_of_work() as session:
        session.execute(
            update(Membership).where(Membership.user_id == alice.user_id).values(role=Role.NURSE)
        )
    assert_problem(api.with_token(granted["access_token"]).get("/auth/me"), 401)
    renewed = api.with_token(granted["refresh_token"]).post("/auth/refresh").get_json()
    assert renewed["user"]["role"] == "nurse"


def test_claims_of_more_rights_than_the_key_signed_are_refused(forger: Forger, api: Api) -> None:
    header, _, signature = forger.honest().split(".")
    for claims in (
        {"role": "administrator"},
        {"permissions": ["staff:manage"]},
        {"tenant": str(forger.access["fam"])},
    ):
        _, payload, _ = forger.changed(**claims).split(".")
        assert_problem(api.with_token(f"{header}.{payload}.{signature}").get("/auth/me"), 401)
