"""One's own sessions over HTTP and as pages: seen, ended, and kept alive by use alone."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.presence import BACKGROUND_ENDPOINTS
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.people import PASSWORD, Cast, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
LONG_ACCESS = pytest.mark.settings(access_token_seconds=86_400)


def sessions_of(api: Api) -> list[dict[str, str]]:
    """Return the sessions that a client is told of."""
    items: list[dict[str, str]] = api.get("/auth/sessions").get_json()["items"]
    return items


@pytest.fixture
def browser(app: Flask, alice: Person) -> Browser:
    """A browser in which Alice is signed in."""
    made = Browser(app)
    assert made.sign_in(alice).status_code == 303
    return made


@BOTH
def test_a_person_sees_where_they_are_signed_in(app: Flask, alice: Person) -> None:
    mine = signed_in(app, alice)
    answer = Api(app).post(
        "/auth/login",
        {"email": alice.email, "password": PASSWORD},
        headers={"User-Agent": FIREFOX, "X-Forwarded-For": "192.0.2.77"},
    )
    assert answer.status_code == 200
    here, there = sorted(sessions_of(mine), key=lambda one: not one["is_current"])
    assert (here["is_current"], there["is_current"]) == (True, False)
    assert (here["place"], here["address"]) == ("this computer", "127.0.0.1")
    assert (there["device"], there["place"]) == ("Firefox on Windows", "192.0.2.0/24")
    assert there["address"] == "192.0.2.77"
    assert datetime.fromisoformat(there["ends_at"]) > clock.now() + timedelta(days=6)


@BOTH
def test_a_revoked_session_is_refused_at_its_next_request(app: Flask, alice: Person) -> None:
    mine = signed_in(app, alice)
    granted = login(Api(app), alice.email).get_json()
    other = Api(app, granted["access_token"])
    [wanted] = [one["id"] for one in sessions_of(mine) if not one["is_current"]]
    assert mine.delete(f"/auth/sessions/{wanted}").status_code == 204
    assert_problem(other.get("/auth/me"), 401)
    assert_problem(Api(app, granted["refresh_token"]).post("/auth/refresh"), 401)
    assert mine.get("/auth/me").status_code == 200
    assert_problem(mine.delete(f"/auth/sessions/{wanted}"), 404)


def test_all_others_are_revoked_at_once(app: Flask, alice: Person, bob: Person) -> None:
    mine, bobs = signed_in(app, alice), signed_in(app, bob)
    others = [signed_in(app, alice) for _ in range(3)]
    assert mine.delete("/auth/sessions").status_code == 204
    assert [one.get("/auth/me").status_code for one in (mine, bobs)] == [200, 200]
    for other in others:
        assert_problem(other.get("/auth/me"), 401)
    assert len(sessions_of(mine)) == 1


def test_somebody_elses_session_is_not_there(api_of: Callable[[Person], Api], people: Cast) -> None:
    alices = api_of(people.alice)
    [hers] = [one["id"] for one in sessions_of(alices)]
    for person in people.everyone[1:]:
        other = api_of(person)
        hidden = assert_problem(other.delete(f"/auth/sessions/{hers}"), 404)
        missing = assert_problem(other.delete(f"/auth/sessions/{uuid4()}"), 404)
        assert hidden | {"request_id": ""} == missing | {"request_id": ""}
        assert hers not in str(sessions_of(other))
    assert alices.get("/auth/me").status_code == 200


def test_revoking_is_in_the_log(database: Database, app: Flask, alice: Person) -> None:
    mine = signed_in(app, alice)
    signed_in(app, alice)
    [wanted] = [one["id"] for one in sessions_of(mine) if not one["is_current"]]
    mine.delete(f"/auth/sessions/{wanted}")
    with database.reading() as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.tag == "session:revoked"))
        assert (str(event.subject_id), event.via) == (wanted, "api")


@BOTH
@LONG_ACCESS
def test_reading_notes_the_use_at_most_once_a_minute(app: Flask, alice: Person) -> None:
    mine = signed_in(app, alice)
    start = clock.now()
    seen = []
    for seconds in (30, 59, 61, 90, 122):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            mine.get("/auth/me", headers={"X-Forwarded-For": f"192.0.2.{seconds}"})
            [one] = sessions_of(mine)
        moment = datetime.fromisoformat(one["last_seen_at"])
        seen.append(round((moment - start).total_seconds()))
    assert seen == [0, 0, 61, 61, 122]


@LONG_ACCESS
def test_use_keeps_a_session_and_disuse_ends_it_at_the_next_request(
    app: Flask, bob: Person
) -> None:
    bobs = signed_in(app, bob)
    start = clock.now()
    for minutes in (50, 100, 150):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            assert bobs.get("/auth/me").status_code == 200
    with time_machine.travel(start + timedelta(minutes=210), tick=False):
        assert_problem(bobs.get("/auth/me"), 401)


@pytest.mark.settings(staff_session_idle_seconds=300, access_token_seconds=900)
def test_whoever_goes_on_working_stays_signed_in_past_their_access_token(
    app: Flask, bob: Person
) -> None:
    browser = Browser(app)
    browser.sign_in(bob)
    start = clock.now()
    for minutes in range(4, 60, 4):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            assert browser.open("/app/today").status_code == 200
    with time_machine.travel(start + timedelta(minutes=62), tick=False):
        assert browser.open("/app/today").status_code == 303


@LONG_ACCESS
def test_an_open_page_that_asks_by_itself_keeps_no_session_alive(app: Flask, bob: Person) -> None:
    screen = Browser(app)
    screen.sign_in(bob)
    screen.open("/app/today")
    start = clock.now()
    fetch = {"Sec-Fetch-Mode": "cors"}
    for minutes in range(5, 60, 5):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
            for path in ("/app/today/notices", "/app/session"):
                assert screen.open(path, headers=fetch).status_code in {200, 204}
    with time_machine.travel(start + timedelta(minutes=61), tick=False):
        assert screen.open("/app/today/notices", headers=fetch).status_code == 401
        led = screen.open("/app/settings?x=1")
        assert (led.status_code, led.location) == (303, "/login?next=/app/settings?x%3D1")


def test_what_keeps_nothing_alive_exists_and_only_reads(app: Flask) -> None:
    for endpoint in BACKGROUND_ENDPOINTS:
        assert not getattr(app.view_functions[endpoint], "writes", False)
    methods = {
        rule.endpoint: rule.methods
        for rule in app.url_map.iter_rules()
        if rule.endpoint in BACKGROUND_ENDPOINTS
    }
    assert methods == {name: {"GET", "HEAD", "OPTIONS"} for name in BACKGROUND_ENDPOINTS}


@LONG_ACCESS
def test_one_press_keeps_the_session_of_staff(app: Flask, bob: Person) -> None:
    screen = Browser(app)
    screen.sign_in(bob)
    page = screen.open("/app/today").get_data(as_text=True)
    assert 'data-idle-limit="3600"' in page
    start = clock.now()
    with time_machine.travel(start + timedelta(minutes=59), tick=False):
        before = screen.open("/app/session").get_json()
        assert screen.send("/app/session").status_code == 204
        after = screen.open("/app/session").get_json()
    assert 0 < before["idle_seconds"] <= 61
    assert after["idle_seconds"] == 3600
    assert after["seconds"] == before["seconds"]
    assert screen.post("/app/session", {"csrf_token": "forged"}).status_code == 400


def test_patients_have_days_and_are_not_warned(browser: Browser) -> None:
    page = browser.open("/app/today").get_data(as_text=True)
    assert "data-idle-limit" not in page
    assert "session.js" not in page


def test_the_page_lists_and_ends_sessions(app: Flask, browser: Browser, alice: Person) -> None:
    other = Browser(app)
    other.sign_in(alice)
    page = browser.open("/app/settings/sessions").get_data(as_text=True)
    assert "This one" in page
    [path] = re.findall(r'action="(/app/settings/sessions/[0-9a-f-]{36}/revoke)"', page)
    assert browser.send(path).location == "/app/settings/sessions"
    assert other.open("/app/today").status_code == 303
    assert browser.open("/app/settings/sessions").status_code == 200
    assert browser.send(path).status_code == 404


def test_the_page_ends_all_others(app: Flask, browser: Browser, alice: Person) -> None:
    others = [Browser(app) for _ in range(2)]
    for other in others:
        other.sign_in(alice)
    browser.open("/app/settings/sessions")
    assert browser.send("/app/settings/sessions/revoke").status_code == 303
    assert [other.open("/app/today").status_code for other in others] == [303, 303]
    page = browser.open("/app/settings/sessions").get_data(as_text=True)
    assert "You are signed in nowhere else." in page


def test_what_a_client_calls_itself_is_only_text(
    app: Flask, alice: Person, browser: Browser
) -> None:
    name = "<img src=x onerror=alert(1)>"
    Api(app).post(
        "/auth/login",
        {"email": alice.email, "password": PASSWORD},
        headers={"User-Agent": name},
    )
    page = browser.open("/app/settings/sessions").get_data(as_text=True)
    assert "onerror" not in page
    assert "An unknown device" in page


def test_a_made_up_persons_session_is_worth_nothing_in_production(
    app: Flask, alice: Person
) -> None:
    api = signed_in(app, alice)
    assert api.get("/auth/me").status_code == 200
    database = app.extensions["medical_ai.database"]
    database.settings = database.settings.model_copy(update={"production": True})
    assert_problem(api.get("/auth/me"), 401)
