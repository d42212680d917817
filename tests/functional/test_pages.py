"""Pages: cookies that cannot be stolen, forms that cannot be forged, and who sees what."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from medical_ai.assistant.presentation import brief_advice, spoken_days
from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from medical_ai.auth.models import TokenFamily
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.browser import ADDRESS, Browser
from tests.support.http import Api, signed_in
from tests.support.medicines import MEDICINE, add_medicine, doses_of
from tests.support.people import PASSWORD, Cast, Person
from tests.support.stores import everything_in

SESSION_COOKIES = ("__Host-access", "__Host-refresh")
NOBODYS: defaultdict[str, str] = defaultdict(lambda: "0198c0de-0000-7000-8000-000000000000")
"""An id for every argument of an address, and nobody's."""


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


@pytest.fixture
def alices_browser(browser: Browser, alice: Person) -> Browser:
    """A browser in which Alice is signed in."""
    assert browser.sign_in(alice).status_code == 303
    browser.open("/app/today")
    return browser


@pytest.fixture
def alices_ids(database: Database, alice: Person) -> dict[str, str]:
    """Alice's medicine and one of its doses."""
    with database.unit_of_work() as session:
        times = [f"{hour:02}:59" for hour in range(0, 24, 2)]
        medicine = add_medicine(session, alice, times)
        dose = doses_of(session, medicine.id)[0]
        return {"medication_id": str(medicine.id), "dose_id": str(dose.id)}


def pages(app: Flask, method: str, *, public: bool = False) -> dict[str, str]:
    """Return the pages that need a sign-in, or those that do not, and that answer a method."""
    return {
        rule.endpoint: re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "is_page", False)
        and (rule.endpoint in PUBLIC_ENDPOINTS) == public
        and method in (rule.methods or ())
    }


def test_signing_in_leads_to_today_and_sets_guarded_cookies(
    browser: Browser, alice: Person
) -> None:
    response = browser.sign_in(alice)
    assert (response.status_code, response.location) == (303, "/app/today")
    for name in SESSION_COOKIES:
        cookie = browser.cookie(name)
        assert cookie.secure, name
        assert cookie.http_only, name
        assert (cookie.same_site, cookie.path) == ("Lax", "/"), name
    assert browser.open("/app/today").status_code == 200


def test_signing_up_by_the_form_works(browser: Browser) -> None:
    browser.open("/signup")
    fields = {"email": "c@example.org", "password": PASSWORD, "timezone": "Europe/Madrid"}
    assert browser.send("/app/sign-up", **fields).status_code == 303
    assert browser.open("/app/today").status_code == 200


def test_a_wrong_password_brings_the_form_back_without_it(browser: Browser, alice: Person) -> None:
    browser.open("/login")
    response = browser.send("/app/sign-in", email=alice.email, password="not-this-one")
    text = response.get_data(as_text=True)
    assert response.status_code == 401
    assert alice.email in text
    assert "not-this-one" not in text
    assert browser.cookie("__Host-access") is None


def test_every_page_that_is_not_public_asks_to_sign_in(app: Flask, browser: Browser) -> None:
    found = pages(app, "GET")
    assert found
    for endpoint, path in found.items():
        response = browser.open(path.format_map(NOBODYS))
        assert response.status_code == 303, endpoint
        assert response.location.startswith("/login?next="), endpoint


def test_every_form_is_refused_without_its_token(app: Flask, alices_browser: Browser) -> None:
    forms = pages(app, "POST") | pages(app, "POST", public=True)
    assert "auth.sign_in" in forms
    for endpoint, path in forms.items():
        for fields in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}):
            response = alices_browser.post(path.format_map(NOBODYS), fields)
            assert response.status_code == 400, endpoint
            assert response.mimetype == "text/html", endpoint


def test_a_form_from_another_site_is_refused_although_the_token_is_right(
    alices_browser: Browser,
) -> None:
    alices_browser.open("/app/medications/new")
    token = alices_browser._token
    fields = {"csrf_token": token, "name": "x", "times": "08:00"}
    response = alices_browser.post("/app/medications", fields, Referer="https://evil.example.org/")
    assert response.status_code == 400


def test_cookies_open_no_api(alices_browser: Browser) -> None:
    for method, path in (("GET", "/auth/me"), ("GET", "/doses"), ("POST", "/auth/logout")):
        response = alices_browser.client.open(path, method=method, base_url=ADDRESS)
        assert response.status_code == 401, path
    assert alices_browser.open("/app/today").status_code == 200


def test_a_bearer_token_opens_no_page(app: Flask, alice: Person) -> None:
    response = signed_in(app, alice).get("/app/today")
    assert response.status_code == 303


def test_an_expired_access_cookie_is_renewed_in_passing(alices_browser: Browser) -> None:
    before = alices_browser.cookie("__Host-refresh").value
    with time_machine.travel(clock.now() + timedelta(minutes=20)):
        assert alices_browser.open("/app/today").status_code == 200
    assert alices_browser.cookie("__Host-refresh").value != before


def test_a_session_that_was_ended_elsewhere_is_over_at_once_for_readers_and_writers(
    alices_browser: Browser, database: Database, alices_ids: dict[str, str]
) -> None:
    with database.unit_of_work() as session:
        session.execute(update(TokenFamily).values(revoked_at=clock.now()))
    started = clock.now()
    assert alices_browser.open("/app/today").status_code == 303
    path = f"/app/doses/{alices_ids['dose_id']}/taken"
    sent = alices_browser.send(path)
    assert sent.status_code == 303
    assert sent.location.startswith("/login")
    fetched = alices_browser.post(path, {}, **{"Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 401
    assert clock.now() - started < timedelta(seconds=5)  # nobody waited for their own lock


def test_a_form_sent_after_the_session_ended_says_that_it_was_not_saved(
    alices_browser: Browser, database: Database
) -> None:
    alices_browser.open("/app/medications/new")
    with database.unit_of_work() as session:
        session.execute(update(TokenFamily).values(revoked_at=clock.now()))
    fields = {"name": MEDICINE, "times": "08:00", "days": "mon"}
    page = {"Referer": f"{ADDRESS}/app/medications/new"}
    sent = alices_browser.post("/app/medications", fields, **page)
    assert (sent.status_code, sent.location) == (303, "/login?next=/app/medications/new")
    text = alices_browser.open(sent.location).get_data(as_text=True)
    assert "was not saved" in text
    assert MEDICINE not in text


def test_a_form_from_a_page_that_was_open_too_long_leads_back_to_it(
    alices_browser: Browser,
) -> None:
    page = {"Referer": f"{ADDRESS}/app/medications/new"}
    refused = alices_browser.post("/app/medications", {"csrf_token": "old"}, **page)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert "This page was open too long" in text
    assert 'href="/app/medications/new"' in text
    alices_browser.client.delete_cookie("__Host-session", domain="localhost")
    text = alices_browser.post("/app/sign-in", {}).get_data(as_text=True)
    assert 'href="/login"' in text


def test_whoever_is_signed_in_needs_no_form_for_it(
    alices_browser: Browser, database: Database
) -> None:
    assert alices_browser.open("/login").location == "/app/today"
    assert alices_browser.open("/login?next=/app/history").location == "/app/history"
    assert alices_browser.open("/login?next=//evil.example.org").location == "/app/today"
    assert alices_browser.open("/signup").location == "/app/today"
    with database.unit_of_work() as session:
        session.execute(update(TokenFamily).values(revoked_at=clock.now()))
    for path in ("/login", "/signup"):  # dead cookies lead nowhere, least of all in a circle
        assert alices_browser.open(path).status_code == 200


@pytest.mark.settings(ratelimit_enabled=True, ratelimit_default="100 per second")
def test_too_many_sign_ins_say_for_how_many_seconds_to_wait(browser: Browser) -> None:
    browser.open("/login")
    for _ in range(6):
        refused = browser.send("/app/sign-in", email="nobody@example.org", password="wrong")
    seconds = refused.headers["Retry-After"]
    assert refused.status_code == 429
    assert f"try again in {seconds} second" in refused.get_data(as_text=True)


def test_signing_out_takes_the_cookies_and_the_session(app: Flask, alices_browser: Browser) -> None:
    stolen = {name: alices_browser.cookie(name).value for name in SESSION_COOKIES}
    response = alices_browser.send("/app/sign-out")
    assert response.status_code == 303
    assert response.headers["Clear-Site-Data"]
    assert [alices_browser.cookie(name) for name in SESSION_COOKIES] == [None, None]
    thief = Browser(app)
    for name, value in stolen.items():
        thief.client.set_cookie(name, value, domain="localhost", secure=True)
    assert thief.open("/app/today").status_code == 303


@pytest.mark.parametrize(
    "target",
    ["https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "javascript:alert(1)",
     "/app/../..//evil", "/app/today\r\nX: y", "/app/today#@evil", "/logout", ""],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(
    browser: Browser, alice: Person, target: str
) -> None:
    browser.open("/login")
    response = browser.send("/app/sign-in", email=alice.email, password=PASSWORD, next=target)
    assert response.location == "/app/today"


def test_signing_in_leads_on_to_the_page_that_was_wanted(browser: Browser, alice: Person) -> None:
    browser.open("/login")
    sent = {"email": alice.email, "password": PASSWORD, "next": "/app/medications?x=1"}
    assert browser.send("/app/sign-in", **sent).location == "/app/medications?x=1"


def test_a_medicine_is_added_changed_and_stopped_by_forms(alices_browser: Browser) -> None:
    new = {"name": "Amlodipine", "times": ["08:00", "20:00"], "days": ["mon", "tue"]}
    added = alices_browser.send("/app/medications", **new)
    assert added.status_code == 303
    assert "Amlodipine" in alices_browser.open(added.location).get_data(as_text=True)
    changed = {"name": "Amlodipine forte", "times": "09:00", "days": ["mon"]}
    assert alices_browser.send(f"{added.location}/edit", **changed).status_code == 303
    assert "09:00" in alices_browser.open(added.location).get_data(as_text=True)
    assert alices_browser.send(f"{added.location}/stop").status_code == 303


def test_a_wrong_form_comes_back_with_its_reasons_and_stores_nothing(
    alices_browser: Browser,
) -> None:
    response = alices_browser.send("/app/medications", name="", times="25:00", days="mon")
    assert response.status_code == 422
    assert "error-summary" in response.get_data(as_text=True)
    assert "25:00" not in alices_browser.open("/app/medications").get_data(as_text=True)


EARLY = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
"""Ten in the morning in Berlin: eight hours before the dose of these tests."""


def test_a_dose_far_ahead_is_marked_only_when_that_is_meant(
    browser: Browser, alice: Person, database: Database
) -> None:
    with time_machine.travel(EARLY, tick=True):
        with database.unit_of_work() as session:
            dose = doses_of(session, add_medicine(session, alice, ["18:00"]).id)[0].id
        browser.sign_in(alice)
        today = browser.open("/app/today").get_data(as_text=True)
        assert f"/app/doses/{dose}/taken" not in today
        assert "Mark it early" in today
        slip = browser.send(f"/app/doses/{dose}/taken", back="/app/today")
        assert slip.location == f"/app/doses/{dose}"
        page = browser.open(slip.location).get_data(as_text=True)
        assert "Nothing was marked" in page
        assert 'name="early"' in page
        assert browser.send(f"/app/doses/{dose}/taken", early="1").status_code == 303
        assert "Taken early" in browser.open("/app/today").get_data(as_text=True)
        history = browser.open("/app/history").get_data(as_text=True)
        assert '<span class="figure">0</span> of 0 doses' in history
        assert "Still to come" in history
    with time_machine.travel(EARLY + timedelta(hours=8), tick=True):
        history = browser.open("/app/history").get_data(as_text=True)
        assert '<span class="figure">1</span> of 1 doses' in history


def test_a_dose_within_the_hour_is_marked_at_once_and_today_keeps_itself_current(
    browser: Browser, alice: Person, database: Database
) -> None:
    with time_machine.travel(EARLY, tick=True):
        with database.unit_of_work() as session:
            dose = doses_of(session, add_medicine(session, alice, ["18:00"]).id)[0].id
        browser.sign_in(alice)
    with time_machine.travel(EARLY + timedelta(hours=7, minutes=20), tick=True):
        live = browser.open("/app/today/notices").get_data(as_text=True)
        assert "in 40 minutes" in live
        assert "Good afternoon" in live
        assert f"/app/doses/{dose}/taken" in live
        browser.open("/app/today")
        assert browser.send(f"/app/doses/{dose}/taken", back="/app/today").location == "/app/today"


def test_what_was_said_in_full_is_only_recalled_by_milder_messages(
    alices_browser: Browser,
) -> None:
    alices_browser.open("/app/chat")
    first = alices_browser.send("/app/chat/messages", message="I have crushing chest pain")
    talk = first.location.partition("#")[0]
    session_id = talk.rpartition("/")[2]
    for message in ("what can you do?", "my face droops and I cannot speak"):
        alices_browser.send("/app/chat/messages", message=message, session_id=session_id)
    text = alices_browser.open(talk).get_data(as_text=True)
    assert re.findall(r"advice (advice-brief|advice-emergency)", text) == [
        "advice-emergency",
        "advice-brief",
        "advice-emergency",
    ]


def test_advice_is_recalled_by_its_number_and_days_are_spoken() -> None:
    advice = "See a doctor today. If it gets worse, call 112. Rest."
    assert brief_advice(advice) == "See a doctor today. If it gets worse, call 112."
    assert brief_advice("Call for help now. Sit down.") == "Call for help now."
    assert spoken_days("A, 2026-11-20 08:00") == "A, 20 November 2026, 08:00"
    assert spoken_days("on 2026-11-02, not 2026-13-02") == "on 2 November 2026, not 2026-13-02"


def test_what_a_patient_writes_is_never_markup(alices_browser: Browser, alices: Api) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7919*7907}}'
    alices_browser.send("/app/medications", name=evil, times="08:00", instructions=evil,
                        days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"])  # fmt: skip
    alices_browser.send("/app/chat/messages", message="What am I taking? " + evil)
    talks = alices.get("/chat/sessions").get_json()["items"]
    paths = [
        "/app/medications",
        "/app/today",
        "/app/history",
        f"/app/chat/{talks[0]['session_id']}",
    ]
    for path in paths:
        text = alices_browser.open(path).get_data(as_text=True)
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
    assert "62615533" not in alices_browser.open("/app/medications").get_data(as_text=True)


@pytest.mark.parametrize("name", ["bob", "nina", "bill", "dana", "charlie"])
def test_staff_see_their_own_pages_and_no_writing_of_alices(
    app: Flask, people: Cast, alices_ids: dict[str, str], name: str
) -> None:
    theirs = Browser(app)
    theirs.sign_in(getattr(people, name))
    assert theirs.open("/app/today").status_code == 200
    medicine = theirs.open(f"/app/medications/{alices_ids['medication_id']}")
    expected = {"bob": 200, "nina": 404, "bill": 403, "dana": 403, "charlie": 404}[name]
    assert medicine.status_code == expected
    assert (MEDICINE in medicine.get_data(as_text=True)) == (name == "bob")
    for path in ("stop", "edit"):
        refused = theirs.send(f"/app/medications/{alices_ids['medication_id']}/{path}", name="x")
        assert refused.status_code == 403
    assert theirs.send(f"/app/doses/{alices_ids['dose_id']}/taken").status_code == 403


@pytest.mark.parametrize("name", ["bob", "nina", "bill", "dana", "charlie"])
def test_staff_are_told_that_they_have_no_record_of_their_own(
    app: Flask, people: Cast, name: str
) -> None:
    theirs = Browser(app)
    theirs.sign_in(getattr(people, name))
    for path in ("/app/medications", "/app/history"):
        response = theirs.open(path)
        assert response.status_code == 404
        assert "This account has no record of its own" in response.get_data(as_text=True)
    assert "I answer from your own" not in theirs.open("/app/chat").get_data(as_text=True)


def test_reading_pages_changes_nothing_but_the_access_log(
    app: Flask, alices_browser: Browser, database: Database, alices_ids: dict[str, str]
) -> None:
    before = everything_in(database)
    for endpoint, path in pages(app, "GET").items():
        ids = NOBODYS | alices_ids
        assert alices_browser.open(path.format_map(ids)).status_code < 500, endpoint
    assert everything_in(database) == before
