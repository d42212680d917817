"""Second factors against ASVS 5.0: V6.3.3, V6.5.1, V6.5.5, V6.6.3, and the ways around them."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from werkzeug.routing import Rule

from medical_ai.auth import otp
from medical_ai.auth.doors import ENROLMENT_ENDPOINTS, PUBLIC_ENDPOINTS, REFRESH_ENDPOINTS
from medical_ai.auth.relying_party import RelyingParty
from medical_ai.auth.service import Client
from medical_ai.auth.service.passkey_proof import OPTIONS_PER_MINUTE, begin_passkey_sign_in
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import TooManyRequests
from tests.support.browser import Browser
from tests.support.factors import App, enrol, log_in, make_real
from tests.support.http import Api, assert_problem, signed_in
from tests.support.people import PASSWORD, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
LIMITED = pytest.mark.settings(
    ratelimit_enabled=True, login_attempts_per_minute=1000, ratelimit_default="1000 per second"
)


@BOTH
def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(
    app: Flask, alice: Person
) -> None:
    """V6.3.3: multi-factor authentication is required to sign in."""
    hers = enrol(app, alice)
    problem = assert_problem(log_in(app, alice), 403)
    assert problem["type"].endswith(":mfa_required")
    assert_problem(log_in(app, alice, "000000" if hers.code() != "000000" else "111111"), 401)
    granted = log_in(app, alice, hers.code())
    assert granted.status_code == 200
    assert Api(app, granted.get_json()["access_token"]).get("/auth/me").status_code == 200


@BOTH
def test_a_code_works_once(app: Flask, alice: Person) -> None:
    """V6.5.1: one-time codes are used once: neither replayed nor an earlier one after a later."""
    hers = enrol(app, alice)
    code, earlier = hers.code(), hers.code(steps=-1)
    assert log_in(app, alice, code).status_code == 200
    assert_problem(log_in(app, alice, code), 401)
    assert_problem(log_in(app, alice, earlier), 401)


def test_the_code_that_confirmed_the_app_signs_nobody_in(app: Flask, alice: Person) -> None:
    """V6.5.1: what was used to enrol is used up."""
    api = signed_in(app, alice)
    secret = api.post("/auth/mfa/totp").get_json()["secret"]
    code = otp.code_at(secret, otp.step_of(clock.now()))
    assert api.post("/auth/mfa/totp/confirm", {"code": code}).status_code == 200
    assert_problem(log_in(app, alice, code), 401)


@BOTH
def test_a_recovery_code_works_once(app: Flask, alice: Person) -> None:
    """V6.5.1: recovery codes are single-use, and the owner hears of each."""
    hers = enrol(app, alice)
    assert len(set(hers.codes)) == 10
    typed = hers.codes[0].upper().replace("-", " ")
    granted = log_in(app, alice, typed)
    assert granted.status_code == 200
    assert_problem(log_in(app, alice, hers.codes[0]), 401)
    api = Api(app, granted.get_json()["access_token"])
    assert api.get("/auth/mfa").get_json()["recovery_codes_left"] == 9


def test_a_code_is_good_for_its_thirty_seconds_and_one_step_of_drift(
    app: Flask, alice: Person
) -> None:
    """V6.5.5: codes of an app live thirty seconds; older and future ones are refused."""
    hers = enrol(app, alice)
    start = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=5)
    code = hers.code(at=start)
    with time_machine.travel(start + timedelta(seconds=61), tick=False):
        assert_problem(log_in(app, alice, code), 401)
    with time_machine.travel(start - timedelta(seconds=31), tick=False):
        assert_problem(log_in(app, alice, code), 401)
    with time_machine.travel(start + timedelta(seconds=59), tick=False):
        assert log_in(app, alice, code).status_code == 200


def test_what_is_half_way_is_over_after_five_minutes(app: Flask, alice: Person) -> None:
    """V6.5.5: the state between the two steps lives for less than ten minutes."""
    hers = enrol(app, alice)
    browser = Browser(app)
    assert browser.sign_in(alice).location.startswith("/app/sign-in/code")
    browser.open("/app/sign-in/code")
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        answer = browser.send("/app/sign-in/code", code=hers.code())
        assert answer.location.startswith("/login")
        assert browser.open("/app/today").status_code == 303


def test_an_enrolment_is_over_after_a_quarter_of_an_hour(app: Flask, alice: Person) -> None:
    """V6.5.5: a secret that nobody confirmed is worth nothing soon."""
    api = signed_in(app, alice)
    secret = api.post("/auth/mfa/totp").get_json()["secret"]
    with time_machine.travel(clock.now() + timedelta(minutes=14, seconds=50)):
        api = signed_in(app, alice)  # another session, since this one's proof is old
        code = otp.code_at(secret, otp.step_of(clock.now()))
        assert_problem(api.post("/auth/mfa/totp/confirm", {"code": code}), 409)


@BOTH
@LIMITED
def test_guessing_codes_is_limited_for_the_account_and_the_waits_grow(
    app: Flask, alice: Person
) -> None:
    """V6.6.3: five codes in thirty seconds, fifteen in ten minutes, whatever address they are from.

    The right code is not accepted either while the account waits.
    """
    hers, now = enrol(app, alice), clock.now().replace(microsecond=0)
    waits = []
    for burst, wrong in enumerate((5, 5, 3)):
        with time_machine.travel(now + timedelta(seconds=40 * burst), tick=False):
            for _ in range(wrong):
                assert_problem(log_in(app, alice, "abcdefgh"), 401)
            refused = log_in(app, alice, hers.code())
            assert_problem(refused, 429)
            waits.append(int(refused.headers["Retry-After"]))
    assert max(waits[:2]) <= 31
    assert waits[2] > 400


@LIMITED
def test_the_right_code_forgives_the_wrong_ones(app: Flask, alice: Person) -> None:
    """V6.6.3: somebody who mistypes now and then is not shut out."""
    hers = enrol(app, alice)
    for steps in (0, 1):
        for _ in range(4):
            assert_problem(log_in(app, alice, "abcdefgh"), 401)
        assert log_in(app, alice, hers.code(steps=steps)).status_code == 200


def test_an_app_begun_in_one_account_or_session_cannot_be_confirmed_in_another(
    app: Flask, alice: Person, bob: Person
) -> None:
    """V6.3.3: an enrolment touches the account and the session that began it, and no other."""
    hers, his, her_phone = signed_in(app, alice), signed_in(app, bob), signed_in(app, alice)
    secret = hers.post("/auth/mfa/totp").get_json()["secret"]
    code = {"code": otp.code_at(secret, otp.step_of(clock.now()))}
    assert_problem(his.post("/auth/mfa/totp/confirm", code), 409)
    his.post("/auth/mfa/totp")
    assert_problem(his.post("/auth/mfa/totp/confirm", code), 422)
    assert_problem(her_phone.post("/auth/mfa/totp/confirm", code), 409)
    assert log_in(app, alice).status_code == 200
    assert log_in(app, bob).status_code == 200
    assert hers.post("/auth/mfa/totp/confirm", code).status_code == 200


@BOTH
def test_half_way_is_no_session(app: Flask, alice: Person) -> None:
    """V6.3.3: a password without its second factor opens no page, no API, and no other browser."""
    hers = enrol(app, alice)
    browser, other = Browser(app), Browser(app)
    browser.sign_in(alice)
    for name in ("__Host-access", "__Host-refresh"):
        assert browser.cookie(name) is None
    for path in ("/app/today", "/app/settings", "/app/settings/second-factor", "/app/chat"):
        assert browser.open(path).location.startswith("/login"), path
    assert_problem(browser.client.get("/auth/me"), 401)
    other.open("/login")
    assert other.send("/app/sign-in/code", code=hers.code()).location.startswith("/login")
    browser.open("/app/sign-in/code")
    assert browser.send("/app/sign-in/code", code=hers.code()).location == "/app/today"
    assert browser.open("/app/today").status_code == 200


def test_a_half_way_cookie_works_once(app: Flask, alice: Person) -> None:
    """V6.5.1: the state between the two steps is used up by the step."""
    hers = enrol(app, alice)
    browser, thief = Browser(app), Browser(app)
    browser.sign_in(alice)
    thief.client.set_cookie(
        "__Host-session",
        browser.cookie("__Host-session").value,
        domain="localhost",
        secure=True,
    )
    browser.open("/app/sign-in/code")
    thief.open("/app/sign-in/code")
    assert browser.send("/app/sign-in/code", code=hers.code()).location == "/app/today"
    stolen = thief.send("/app/sign-in/code", code=hers.codes[0])
    assert stolen.location.startswith("/login")
    assert thief.cookie("__Host-access") is None


def test_changes_ask_for_a_recent_proof_with_the_factor(app: Flask, alice: Person) -> None:
    """V6.3.3: with an old session, or a password alone, nobody removes a second factor."""
    hers = enrol(app, alice)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        granted = hers.api.post("/auth/proof", {"password": "a wrong one"})
        assert_problem(granted, 422)
        api = hers.api
        for method, path in (("DELETE", "/auth/mfa/totp"), ("POST", "/auth/mfa/recovery-codes")):
            problem = assert_problem(api.request(method, path), 403)
            assert problem["type"].endswith(":recent-proof-required")


def _prove(hers: App, **proof: str) -> int:
    return hers.api.post("/auth/proof", proof).status_code


def test_a_proof_needs_password_and_code(app: Flask, alice: Person) -> None:
    """V6.3.3: proving again takes both factors, and then a change is possible."""
    hers = enrol(app, alice)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        assert _prove(hers, password=PASSWORD) == 422
        assert _prove(hers, password=PASSWORD, otp="000000") == 422
        assert _prove(hers, password=PASSWORD, otp=hers.code()) == 204
        assert hers.api.delete("/auth/mfa/totp").status_code == 204
    assert log_in(app, alice).status_code == 200


def test_a_change_ends_the_other_sessions_and_tells_the_owner(app: Flask, alice: Person) -> None:
    """V6.3.3: whoever had a session before the second factor has none after it."""
    other = signed_in(app, alice)
    assert other.get("/auth/me").status_code == 200
    hers = enrol(app, alice)
    assert_problem(other.get("/auth/me"), 401)
    assert hers.api.get("/auth/me").status_code == 200
    browser = Browser(app)
    browser.sign_in(alice)
    browser.open("/app/sign-in/code")
    browser.send("/app/sign-in/code", code=hers.code())
    notices = browser.open("/app/notices").get_data(as_text=True)
    assert "A second step was added to your sign-in" in notices


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def _path(rule: Rule) -> str:
    path = rule.rule
    for name, converter in rule._converters.items():
        made_up = str(uuid4()) if type(converter).__name__ == "UUIDConverter" else "1"
        kind = {"UUIDConverter": "uuid:", "IntegerConverter": "int:"}.get(
            type(converter).__name__, ""
        )
        path = path.replace(f"<{kind}{name}>", made_up)
    return path


@BOTH
def test_staff_without_a_second_factor_can_do_nothing_but_set_one_up(
    app: Flask, database: Database, dana: Person
) -> None:
    """V6.3.3: every endpoint and page is tried with a session that still has to enrol."""
    make_real(database, dana)
    api, browser = signed_in(app, dana), Browser(app)
    browser.sign_in(dana)
    tried = 0
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        open_to_her = PUBLIC_ENDPOINTS | REFRESH_ENDPOINTS | ENROLMENT_ENDPOINTS
        if rule.endpoint in open_to_her:
            continue
        for method in _methods(rule):
            tried += 1
            if getattr(view, "is_page", False):
                answer = browser.client.open(
                    _path(rule), method=method, base_url="https://localhost"
                )
                assert answer.status_code == 303, rule.endpoint
                assert answer.location == "/app/settings/second-factor", rule.endpoint
            else:
                problem = assert_problem(api.request(method, _path(rule)), 403)
                assert problem["type"].endswith(":mfa-enrolment-required"), rule.endpoint
    assert tried > 20
    assert api.get("/auth/me").status_code == 200
    assert api.post("/auth/verify").status_code == 200
    assert browser.open("/app/settings/second-factor").status_code == 200


def test_staff_with_a_second_factor_go_on(app: Flask, database: Database, dana: Person) -> None:
    """V6.3.3: setting one up opens the rest at once, and removing it closes it again."""
    make_real(database, dana)
    hers = enrol(app, dana)
    assert hers.api.get("/chat/sessions").status_code == 200
    assert hers.api.delete("/auth/mfa/totp").status_code == 204
    assert_problem(hers.api.get("/chat/sessions"), 403)


def test_patients_and_made_up_people_are_not_made_to(
    app: Flask, database: Database, alice: Person, bob: Person
) -> None:
    """V6.3.3: the policy is for staff; patients are offered it."""
    make_real(database, alice)
    for person in (alice, bob):
        assert signed_in(app, person).get("/chat/sessions").status_code == 200


@pytest.mark.settings(second_factor_required_roles="patient")
def test_the_roles_are_a_setting(
    app: Flask, database: Database, alice: Person, dana: Person
) -> None:
    """V6.3.3: an operator says for whom it is required."""
    make_real(database, alice, dana)
    assert_problem(signed_in(app, alice).get("/chat/sessions"), 403)
    assert signed_in(app, dana).get("/chat/sessions").status_code == 200


@pytest.mark.parametrize("page", ["/app/settings/export", "/app/settings/delete"])
def test_a_page_that_wants_more_than_the_password_leads_to_the_proof(
    app: Flask, alice: Person, page: str
) -> None:
    enrolled, browser = enrol(app, alice), Browser(app)
    browser.sign_in(alice)
    browser.open("/app/sign-in/code")
    browser.send("/app/sign-in/code", code=enrolled.code())
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        browser.open(page)
        asked = browser.send(page, password=PASSWORD, sure="1")
    assert (asked.status_code, asked.headers["Location"]) == (
        303,
        f"/app/settings/proof?next={page}",
    )


@LIMITED
def test_one_household_has_one_budget_of_challenges(database: Database, app: Flask) -> None:
    rp = RelyingParty("localhost", "https://localhost")

    def begin(at: int) -> None:
        client = Client(f"2001:db8:1:2::{at:x}", "browser")
        with database.unit_of_work() as session:
            begin_passkey_sign_in(session, rp=rp, client=client, attempt_id=None)

    for at in range(OPTIONS_PER_MINUTE):
        begin(at)
    with pytest.raises(TooManyRequests):
        begin(OPTIONS_PER_MINUTE)
