"""Passkeys over HTTP, with an authenticator in software."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.authenticator import PRESENT, Authenticator
from tests.support.browser import Browser
from tests.support.factors import enrol, log_in, make_real
from tests.support.http import assert_problem
from tests.support.people import Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
SETTINGS = "/app/settings/passkeys"
SIGN_IN = "/app/sign-in/passkey"


def options(browser: Browser, page: str, address: str) -> dict[str, Any]:
    """Open a page and ask for a challenge as its script does."""
    browser.open(page)
    answer = browser.post(address, {}, **{"X-CSRFToken": browser._token})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = json.loads(answer.get_data())
    return found


def register(browser: Browser, device: Authenticator, name: str = "the blue one") -> str:
    """Make a passkey on the settings page; return the page that follows."""
    made = device.make(options(browser, SETTINGS, f"{SETTINGS}/options"))
    answer = browser.send(SETTINGS, name=name, credential=made)
    assert answer.status_code in {200, 303}, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def use(browser: Browser, device: Authenticator, page: str = "/login") -> Any:
    """Sign in with a passkey and return the answer."""
    shown = device.sign(options(browser, page, f"{SIGN_IN}/options"))
    device.counter += 1
    return browser.send(SIGN_IN, credential=shown)


def is_refused(answer: Any, browser: Browser) -> bool:
    """Tell whether a sign-in was refused and left no session."""
    return answer.status_code == 401 and browser.cookie("__Host-access") is None


@pytest.fixture
def device() -> Authenticator:
    """A telephone that makes passkeys for localhost, which tests come by."""
    return Authenticator()


@pytest.fixture
def browser_of(app: Flask) -> Callable[[Person], Browser]:
    """Sign a person in by password in a fresh browser."""

    def signed_in(person: Person) -> Browser:
        browser = Browser(app)
        assert browser.sign_in(person).status_code == 303
        return browser

    return signed_in


@BOTH
def test_a_passkey_signs_in_without_a_password(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    page = register(browser_of(alice), device)
    assert "Recovery codes" in page
    browser = Browser(app)
    assert use(browser, device).location == "/app/today"
    listed = browser.open(SETTINGS).get_data(as_text=True)
    assert "the blue one" in listed
    assert "Last used on" in listed


def test_a_passkey_is_a_second_factor_after_the_password(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    register(browser_of(alice), device)
    assert_problem(log_in(app, alice), 403)
    browser = browser_of(alice)
    asked = options(browser, "/app/sign-in/code", f"{SIGN_IN}/options")
    assert len(asked["allowCredentials"]) == 1
    assert browser.send(SIGN_IN, credential=device.sign(asked)).location == "/app/today"


def test_another_accounts_passkey_does_not_finish_a_sign_in(
    browser_of: Callable[[Person], Browser], alice: Person, bob: Person
) -> None:
    devices = [Authenticator(), Authenticator()]
    for person, device in zip((alice, bob), devices, strict=True):
        register(browser_of(person), device)
    browser = browser_of(alice)
    asked = options(browser, "/app/sign-in/code", f"{SIGN_IN}/options")
    assert is_refused(browser.send(SIGN_IN, credential=devices[1].sign(asked)), browser)


@BOTH
def test_an_answer_is_accepted_once_and_from_its_own_browser(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    register(browser_of(alice), device)
    browser, other = Browser(app), Browser(app)
    asked = options(browser, "/login", f"{SIGN_IN}/options")
    device.counter += 1
    shown = device.sign(asked)
    other.open("/login")
    assert is_refused(other.send(SIGN_IN, credential=shown), other)
    before = browser.cookie("__Host-session").value
    assert browser.send(SIGN_IN, credential=shown).status_code == 303
    thief = Browser(app)
    thief.client.set_cookie("__Host-session", before, domain="localhost", secure=True)
    thief.open("/login")
    device.counter += 1
    assert is_refused(thief.send(SIGN_IN, credential=device.sign(asked)), thief)


def test_a_challenge_is_over_after_five_minutes(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    register(browser_of(alice), device)
    browser = Browser(app)
    asked = options(browser, "/login", f"{SIGN_IN}/options")
    device.counter += 1
    with time_machine.travel(clock.now() + timedelta(minutes=5, seconds=1)):
        assert is_refused(browser.send(SIGN_IN, credential=device.sign(asked)), browser)


@BOTH
def test_a_counter_that_goes_back_is_refused(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    register(browser_of(alice), device)
    device.counter = 9
    assert use(Browser(app), device).status_code == 303
    for copied in (9, 4, 0):
        device.counter, browser = copied, Browser(app)
        assert is_refused(use(browser, device), browser), copied
    device.counter = 10
    assert use(Browser(app), device).status_code == 303


def test_an_authenticator_that_does_not_count_is_accepted(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    device.counter = 0
    register(browser_of(alice), device)
    for _ in range(2):
        device.counter = 0
        assert use(Browser(app), device).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example.org"},
        {"origin": "http://localhost:8080"},
        {"rp_id": "example.org"},
        {"flags": PRESENT},
        {"flags": 0},
        {"handle": b"somebody else"},
        {"handle": b""},
        {"credential_id": b"unknown"},
    ],
    ids=lambda change: next(f"{name}-{value}" for name, value in change.items()),
)
def test_what_does_not_fit_is_refused(
    app: Flask,
    browser_of: Callable[[Person], Browser],
    alice: Person,
    device: Authenticator,
    change: dict[str, Any],
) -> None:
    register(browser_of(alice), device)
    for name, value in change.items():
        setattr(device, name, value)
    browser = Browser(app)
    assert is_refused(use(browser, device), browser)


@pytest.mark.parametrize("change", [{"origin": "https://evil.example.org"}, {"flags": PRESENT}])
def test_a_passkey_of_another_site_or_without_a_verified_user_is_not_kept(
    browser_of: Callable[[Person], Browser],
    alice: Person,
    device: Authenticator,
    change: dict[str, Any],
) -> None:
    for name, value in change.items():
        setattr(device, name, value)
    browser = browser_of(alice)
    made = device.make(options(browser, SETTINGS, f"{SETTINGS}/options"))
    answer = browser.send(SETTINGS, name="evil", credential=made)
    assert answer.status_code == 422
    assert "The passkey could not be made" in answer.get_data(as_text=True)
    assert "Made on" not in browser.open(SETTINGS).get_data(as_text=True)


def test_an_answer_to_another_accounts_challenge_is_not_kept(
    browser_of: Callable[[Person], Browser], alice: Person, bob: Person, device: Authenticator
) -> None:
    hers, his = browser_of(alice), browser_of(bob)
    made = device.make(options(hers, SETTINGS, f"{SETTINGS}/options"))
    options(his, SETTINGS, f"{SETTINGS}/options")
    assert his.send(SETTINGS, name="hers", credential=made).status_code == 422
    her_other = browser_of(alice)
    her_other.open(SETTINGS)
    assert her_other.send(SETTINGS, name="hers", credential=made).status_code == 422
    assert hers.send(SETTINGS, name="hers", credential=made).status_code == 200
    assert hers.send(SETTINGS, name="again", credential=made).status_code == 422


@BOTH
def test_a_credential_belongs_to_one_account(
    browser_of: Callable[[Person], Browser], alice: Person, bob: Person, device: Authenticator
) -> None:
    register(browser_of(alice), device)
    his = browser_of(bob)
    made = device.make(options(his, SETTINGS, f"{SETTINGS}/options"))
    answer = his.send(SETTINGS, name="the same", credential=made)
    assert answer.status_code == 409
    assert "Made on" not in his.open(SETTINGS).get_data(as_text=True)


def test_the_user_handle_is_random_and_the_accounts_own(
    browser_of: Callable[[Person], Browser], alice: Person, bob: Person
) -> None:
    hers, his = browser_of(alice), browser_of(bob)
    found = [
        options(one, SETTINGS, f"{SETTINGS}/options")["user"]["id"] for one in (hers, hers, his)
    ]
    assert found[0] == found[1] != found[2]
    assert len(found[0]) >= 43


def test_nobody_removes_anothers_passkey(
    browser_of: Callable[[Person], Browser], alice: Person, bob: Person, device: Authenticator
) -> None:
    hers, his = browser_of(alice), browser_of(bob)
    register(hers, device)
    page = hers.open(SETTINGS).get_data(as_text=True)
    address = page.partition(f'action="{SETTINGS}/')[2].partition('"')[0]
    his.open(SETTINGS)
    assert his.send(f"{SETTINGS}/{address}").status_code == 404
    assert hers.open(SETTINGS).status_code == 200
    assert hers.send(f"{SETTINGS}/{address}").status_code == 303
    assert "the blue one" not in hers.open(SETTINGS).get_data(as_text=True)


def test_changes_ask_for_a_proof_that_a_passkey_can_give(
    browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    browser = browser_of(alice)
    register(browser, device)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        browser.open(SETTINGS)
        refused = browser.post(f"{SETTINGS}/options", {}, **{"X-CSRFToken": browser._token})
        assert refused.location.startswith("/app/settings/proof")
        asked = options(browser, "/app/settings/proof", "/app/settings/proof/options")
        device.counter += 1
        shown = device.sign(asked)
        proved = browser.send("/app/settings/proof/passkey", credential=shown, next=SETTINGS)
        assert (proved.status_code, proved.location) == (303, SETTINGS)
        assert "Make a passkey" in browser.open(SETTINGS).get_data(as_text=True)
        again = browser.send("/app/settings/proof/passkey", credential=shown, next=SETTINGS)
        assert again.status_code == 422


def test_a_passkey_lets_staff_go_on(
    browser_of: Callable[[Person], Browser],
    database: Database,
    dana: Person,
    device: Authenticator,
) -> None:
    make_real(database, dana)
    browser = browser_of(dana)
    assert browser.open("/app/today").location == "/app/settings/second-factor"
    register(browser, device)
    assert browser.open("/app/today").status_code == 200


@pytest.mark.parametrize("rubbish", ["", "{}", "[]", "null", "{" * 9000, "x" * 20_000, "\x00"])
def test_rubbish_is_refused_plainly(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, rubbish: str
) -> None:
    browser, hers = Browser(app), browser_of(alice)
    options(browser, "/login", f"{SIGN_IN}/options")
    assert is_refused(browser.send(SIGN_IN, credential=rubbish), browser)
    options(hers, SETTINGS, f"{SETTINGS}/options")
    assert hers.send(SETTINGS, name="x", credential=rubbish).status_code == 422


def test_a_number_has_no_passkeys_and_the_page_says_so(
    app: Flask, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Use a passkey" in Browser(app).open("/login").get_data(as_text=True)
    monkeypatch.setattr("tests.support.browser.ADDRESS", "https://127.0.0.1")
    numbered = Browser(app)
    assert "Use a passkey" not in numbered.open("/login").get_data(as_text=True)
    numbered.sign_in(alice)
    page = numbered.open(SETTINGS).get_data(as_text=True)
    assert "A passkey is made for a name" in page
    answer = numbered.post(f"{SETTINGS}/options", {}, **{"X-CSRFToken": numbered._token})
    assert answer.status_code == 404


def test_an_app_does_not_stand_in_the_way_of_a_passkey(
    app: Flask, browser_of: Callable[[Person], Browser], alice: Person, device: Authenticator
) -> None:
    hers = enrol(app, alice)
    browser = browser_of(alice)
    browser.open("/app/sign-in/code")
    browser.send("/app/sign-in/code", code=hers.code())
    page = register(browser, device)
    assert "Recovery codes" not in page  # the earlier ones still hold
    assert use(Browser(app), device).location == "/app/today"
