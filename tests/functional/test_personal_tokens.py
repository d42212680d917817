"""Personal access tokens over HTTP and as pages: shown once, and shut out of accounts."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.doors import PUBLIC_ENDPOINTS, REFRESH_ENDPOINTS
from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.personal_tokens import new_token
from medical_ai.auth.programs import TOKEN_ENDPOINTS
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.functional.access import assemble
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, signed_in
from tests.support.people import PASSWORD, Cast, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
TOKEN = re.compile(r"mai_pat_[0-9a-f]{72}")
EVERYTHING = ["record:read", "medication:read", "notice:read", "medication:write", "dose:answer"]
LATER = timedelta(minutes=11)
READING = [
    "record:read", "medication:read", "notice:read",
    "patient:read", "care-team:read", "access-log:read",
]  # fmt: skip
MEDICINE = {"name": "Aspirin", "schedules": [{"kind": "times", "times": ["08:00"]}]}


def wish(**changes: Any) -> dict[str, Any]:
    """Return what is sent to make a token."""
    last_day = (clock.now() + timedelta(days=30)).date().isoformat()
    return {"name": "a script", "expires_on": last_day} | changes


def program_of(api: Api, **changes: Any) -> Api:
    """Make a token and return a program that bears it."""
    response = api.post("/auth/tokens", wish(**changes))
    assert response.status_code == 201, response.get_data(as_text=True)
    return api.with_token(response.get_json()["token"])


@BOTH
def test_a_program_reads_and_is_refused_what_was_not_allowed(alices: Api) -> None:
    program = program_of(alices)
    assert program.get("/medications").status_code == 200
    assert_problem(program.post("/medications", MEDICINE), 403)
    assert_problem(program.post("/chat/message", {"message": "Hi"}), 403)
    writing = program_of(alices, scopes=["medication:write", "medication:read"])
    assert writing.post("/medications", MEDICINE).status_code == 201


@BOTH
def test_what_a_program_does_is_in_the_log_as_done_by_a_token(
    alices: Api, database: Database
) -> None:
    program = program_of(alices, scopes=["medication:write", "medication:read"])
    assert program.post("/medications", MEDICINE).status_code == 201
    with database.reading() as session:
        tags = ("personal-token:created", "medication:added")
        found = session.scalars(select(AuditEvent).where(AuditEvent.tag.in_(tags)))
        assert {(one.tag, one.via) for one in found} == set(
            zip(tags, ("api", "token"), strict=True)
        )


def test_the_text_is_in_one_answer_alone(alices: Api) -> None:
    made = alices.post("/auth/tokens", wish()).get_json()
    assert TOKEN.fullmatch(made["token"])
    [listed] = alices.get("/auth/tokens").get_json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert made["scopes"] == READING


def test_a_program_learns_who_it_acts_for_and_what_it_may(alices: Api, alice: Person) -> None:
    program = program_of(alices, scopes=["medication:read"])
    me = program.get("/auth/me").get_json()
    assert (me["email"], me["permissions"]) == (alice.email, ["medication:read"])
    claims = program.post("/auth/verify").get_json()["claims"]
    assert (claims["sub"], claims["type"]) == (str(alice.user_id), "personal")
    assert claims["permissions"] == ["medication:read"]
    assert "fam" not in claims


def test_programs_open_nothing_but_what_asks_for_a_permission(
    app: Flask, alices: Api, alice: Person
) -> None:
    program = program_of(alices, scopes=EVERYTHING)
    shut = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        needs_nobody = rule.endpoint in PUBLIC_ENDPOINTS | REFRESH_ENDPOINTS
        if needs_nobody or not hasattr(view, "operation"):
            continue
        asks = view.operation.permission is not None and not rule.rule.startswith("/auth/")
        if not asks and rule.endpoint not in TOKEN_ENDPOINTS:
            path = re.sub(r"<[^>]+>", "0198c0de-0000-7000-8000-000000000000", rule.rule)
            method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            shut[rule.endpoint] = program.request(method, path, json={}).status_code
    assert set(shut.values()) == {403}
    assert set(shut) >= {
        "auth_api.logout",
        "sessions_api.list_sessions",
        "sessions_api.revoke_other_sessions",
        "sessions_api.make_token",
        "sessions_api.list_tokens",
        "sessions_api.revoke_token",
    }
    assert len(alices.get("/auth/sessions").get_json()["items"]) == 1


def test_the_matrix_names_every_account_endpoint(app: Flask) -> None:
    account = {name for name, (path, _, _) in assemble().items() if path.startswith("/auth/")}
    assert account >= TOKEN_ENDPOINTS
    assert len(account - TOKEN_ENDPOINTS) >= 7


def test_a_program_opens_no_page(app: Flask, alices: Api) -> None:
    token = program_of(alices, scopes=EVERYTHING).token
    for cookies in ({"__Host-access": token}, {"__Host-refresh": token}, {"session": token}):
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        response = Api(app).get("/app/today", headers={"Cookie": header})
        assert response.status_code == 303
    bare = Api(app).get("/app/today", headers={"Authorization": f"Bearer {token}"})
    assert bare.status_code == 303


@BOTH
def test_it_is_refused_once_it_is_revoked_or_over(alices: Api) -> None:
    for end in ("revoked", "over"):
        made = alices.post("/auth/tokens", wish()).get_json()
        program = alices.with_token(made["token"])
        assert program.get("/auth/me").status_code == 200
        if end == "revoked":
            assert alices.delete(f"/auth/tokens/{made['id']}").status_code == 204
            answer = program.get("/auth/me")
        else:
            with time_machine.travel(clock.now() + timedelta(days=32)):
                answer = program.get("/auth/me")
        assert_problem(answer, 401)
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("table", [User, Membership])
def test_the_programs_of_suspended_people_are_refused(
    alices: Api, alice: Person, database: Database, table: Any
) -> None:
    program = program_of(alices)
    owner = User.id if table is User else Membership.user_id
    with database.unit_of_work() as session:
        session.execute(
            update(table).where(owner == alice.user_id).values(suspended_at=clock.now())
        )
    assert_problem(program.get("/medications"), 401)


def test_a_lesser_role_leaves_less_at_once(alices: Api, alice: Person, database: Database) -> None:
    program = program_of(alices, scopes=EVERYTHING)
    with database.unit_of_work() as session:
        session.execute(
            update(Membership).where(Membership.user_id == alice.user_id).values(role=Role.BILLING)
        )
    assert_problem(program.get("/medications"), 403)
    assert program.get("/auth/me").get_json()["permissions"] == ["notice:read"]


@BOTH
def test_making_one_asks_for_the_password_unless_one_just_signed_in(
    alices: Api, alice: Person, app: Flask
) -> None:
    with time_machine.travel(clock.now() + LATER):
        [problem] = assert_problem(alices.post("/auth/tokens", wish()), 422)["errors"]
        assert problem["loc"] == "password"
        wrong = alices.post("/auth/tokens", wish(password="not this one"))
        assert assert_problem(wrong, 422)["errors"][0]["loc"] == "password"
        assert "not this one" not in wrong.get_data(as_text=True)
        assert alices.get("/auth/tokens").get_json()["items"] == []
        assert alices.post("/auth/tokens", wish(password=PASSWORD)).status_code == 201
        assert signed_in(app, alice).post("/auth/tokens", wish()).status_code == 201


@pytest.mark.settings(ratelimit_enabled=True, ratelimit_default="100 per second")
def test_guessing_the_password_there_is_limited(alices: Api) -> None:
    with time_machine.travel(clock.now() + LATER):
        guesses = [alices.post("/auth/tokens", wish(password=f"guess {n}")) for n in range(7)]
    assert [one.status_code for one in guesses] == [422] * 5 + [429] * 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["staff:manage"]}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": "9999-12-31"}, "expires_on"),
        ({"expires_on": None}, "expires_on"),
        ({"user_id": "me"}, "body"),
        ({"password": "x" * 300}, "password"),
    ],
)
def test_a_wrong_wish_is_refused_by_the_name_of_its_field(
    alices: Api, changes: dict[str, Any], field: str
) -> None:
    problem = assert_problem(alices.post("/auth/tokens", wish(**changes)), 422)
    assert [one["loc"] for one in problem["errors"]] == [field]
    assert alices.get("/auth/tokens").get_json()["items"] == []


@pytest.mark.settings(personal_tokens_per_person=2)
def test_one_more_than_the_most_is_a_conflict(alices: Api) -> None:
    statuses = [alices.post("/auth/tokens", wish()).status_code for _ in range(3)]
    assert statuses == [201, 201, 409]


@BOTH
def test_the_last_use_is_seen_to_the_minute(alices: Api) -> None:
    program = program_of(alices)
    seen = []
    start = clock.now()
    for seconds in (0, 30, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            program.get("/auth/me", headers={"X-Forwarded-For": f"192.0.2.{seconds}"})
        [listed] = alices.get("/auth/tokens").get_json()["items"]
        seen.append(listed["last_used_from"])
    assert seen == ["192.0.2.0", "192.0.2.0", "192.0.2.61"]


def test_a_token_of_another_hospital_sees_nothing_of_hers(
    api_of: Callable[[Person], Api], people: Cast
) -> None:
    mine = api_of(people.alice).post("/medications", MEDICINE).get_json()["id"]
    outsider = program_of(api_of(people.charlie), scopes=["medication:read", "record:read"])
    assert_problem(outsider.get(f"/medications/{mine}"), 404)
    insider = program_of(api_of(people.bob), scopes=["medication:read"])
    assert insider.get(f"/medications/{mine}").status_code == 200


def test_the_pages_make_show_once_and_revoke(app: Flask, alice: Person) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    form = browser.open("/app/settings/tokens/new").get_data(as_text=True)
    checked = re.findall(r'name="scopes" value="([^"]+)" checked', form)
    assert checked == READING
    fields = wish(name="my <script>", scopes=["medication:read"])
    shown = browser.send("/app/settings/tokens/new", **fields)
    assert (shown.status_code, shown.headers["Cache-Control"]) == (201, "no-store")
    text = shown.get_data(as_text=True)
    [token] = TOKEN.findall(text)
    program = Api(app, token)
    assert program.get("/medications").status_code == 200
    listed = browser.open("/app/settings/tokens").get_data(as_text=True)
    assert token not in listed
    assert html.escape("my <script>") in listed
    [path] = re.findall(r'action="(/app/settings/tokens/[0-9a-f-]{36}/revoke)"', listed)
    assert browser.send(path).status_code == 303
    assert_problem(program.get("/medications"), 401)


def test_the_form_comes_back_with_what_was_typed_but_not_the_password(
    app: Flask, alice: Person
) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    with time_machine.travel(clock.now() + LATER):
        browser.open("/app/settings/tokens/new")
        fields = wish(name="My script", scopes=["dose:answer"], password="not this one")
        back = browser.send("/app/settings/tokens/new", **fields)
        assert back.status_code == 422
        text = back.get_data(as_text=True)
        assert 'value="My script"' in text
        assert re.findall(r'name="scopes" value="([^"]+)" checked', text) == ["dose:answer"]
        assert "This is not your password." in text
        assert "not this one" not in text
        shown = browser.send("/app/settings/tokens/new", **fields | {"password": PASSWORD})
        assert shown.status_code == 201


def test_somebody_elses_token_has_no_page(app: Flask, alices: Api, people: Cast) -> None:
    made = alices.post("/auth/tokens", wish()).get_json()
    for person in people.everyone[1:]:
        browser = Browser(app)
        browser.sign_in(person)
        browser.open("/app/settings/tokens")
        assert browser.send(f"/app/settings/tokens/{made['id']}/revoke").status_code == 404
    assert alices.with_token(made["token"]).get("/auth/me").status_code == 200


@pytest.mark.settings(ratelimit_enabled=True, ratelimit_default="10 per minute")
def test_guessing_tokens_meets_the_general_limit(app: Flask) -> None:
    guesses = [Api(app, new_token()).get("/auth/me").status_code for _ in range(12)]
    assert guesses == [401] * 10 + [429] * 2
