"""The pages of an account work without a script, tell nobody who has one, and keep their word."""

import pytest
from flask import Flask

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.jobs import letters, mailing, token_of, work
from tests.support.mail import MailSink
from tests.support.people import PASSWORD, Person

NEW = "a lantern on the pier"  # pragma: allowlist secret - made up


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return mailing(settings, mail)


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


@pytest.fixture
def hers(app: Flask, alice: Person) -> Browser:
    """A browser in which Alice is signed in."""
    signed = Browser(app)
    signed.sign_in(alice)
    signed.open("/app/settings")
    return signed


def text_of(browser: Browser, path: str) -> str:
    """Open a page and return its text."""
    return browser.open(path).get_data(as_text=True)


def test_a_password_is_chosen_anew_by_forms_alone(
    browser: Browser, api: Api, database: Database, mail: MailSink, alice: Person
) -> None:
    browser.open("/app/forgot-password")
    known = browser.send("/app/forgot-password", email=alice.email)
    unknown = browser.send("/app/forgot-password", email="nobody@example.org")
    assert known.status_code == unknown.status_code == 200
    assert known.data == unknown.data
    assert browser.send("/app/forgot-password", email="no address").status_code == 422
    work(database)
    token = token_of(letters(mail, alice.email)[0][1])
    browser.open("/app/reset-password")
    easy = browser.send("/app/reset-password", token=token, password="password1")
    assert easy.status_code == 422
    assert token in easy.get_data(as_text=True)  # so that the form can be sent again
    done = browser.send("/app/reset-password", token=token, password=NEW)
    assert (done.status_code, done.location) == (303, "/login")
    assert browser.cookie("__Host-device") is not None
    assert browser.cookie("__Host-access") is None  # the link signs nobody in
    assert login(api, alice.email, NEW).status_code == 200
    assert browser.send("/app/reset-password", token=token, password=NEW).status_code == 404


def test_where_no_mail_is_sent_the_page_says_whom_to_ask(app: Flask, alice: Person) -> None:
    silent = app.extensions["medical_ai.database"]
    silent.settings = silent.settings.model_copy(update={"smtp_host": ""})
    browser = Browser(app)
    assert "Ask whoever runs it" in text_of(browser, "/app/forgot-password")
    browser.open("/login")
    assert browser.send("/app/forgot-password", email=alice.email).status_code == 409
    browser.sign_in(alice)
    assert "not confirmed yet" not in text_of(browser, "/app/settings")


def test_the_address_is_confirmed_by_forms_alone(
    hers: Browser, database: Database, mail: MailSink, alice: Person
) -> None:
    assert "not confirmed yet" in text_of(hers, "/app/settings")
    assert hers.send("/app/settings/verify-email").location == "/app/settings"
    work(database)
    token = token_of(letters(mail, alice.email)[0][1])
    hers.open("/app/verify-email")
    assert hers.send("/app/verify-email", token="").status_code == 422
    assert hers.send("/app/verify-email", token="x").status_code == 404
    assert hers.send("/app/verify-email", token=token).status_code == 303
    assert "not confirmed yet" not in text_of(hers, "/app/settings")


def test_password_address_and_name_are_changed_by_forms(
    app: Flask, hers: Browser, database: Database, mail: MailSink, alice: Person
) -> None:
    there = signed_in(app, alice)
    wrong = hers.send("/app/settings/password", current_password="x", new_password=NEW)
    assert wrong.status_code == 422
    assert NEW not in wrong.get_data(as_text=True)
    right = hers.send("/app/settings/password", current_password=PASSWORD, new_password=NEW)
    assert right.location == "/app/settings"
    assert there.get("/auth/me").status_code == 401
    assert hers.send("/app/settings/email", email="a", password=NEW).status_code == 422
    asked = hers.send("/app/settings/email", email="alice@example.net", password=NEW)
    assert asked.location == "/app/settings"
    work(database)
    token = token_of(letters(mail, "alice@example.net")[0][1])
    hers.open("/app/confirm-email")
    assert hers.send("/app/confirm-email", token="x").status_code == 404
    assert hers.send("/app/confirm-email", token=token).status_code == 303
    named = hers.send("/app/settings/profile", username="Alicia", timezone="Europe/Madrid")
    assert named.status_code == 303
    assert hers.send("/app/settings/profile", username="", timezone="x").status_code == 422
    shown = text_of(hers, "/app/settings")
    assert "Alicia, patient" in shown
    assert "alice@example.net" in shown


@pytest.mark.settings(email_verification="required")
def test_signing_up_says_the_same_of_every_address(browser: Browser, alice: Person) -> None:
    browser.open("/signup")
    answers = [
        browser.send("/app/sign-up", email=email, password=NEW, timezone="Europe/Madrid")
        for email in (alice.email, "fresh@example.org")
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].data == answers[1].data
    assert "Look at your mail" in answers[0].get_data(as_text=True)
    assert browser.cookie("__Host-access") is None


@pytest.mark.settings(email_verification="required")
def test_signing_in_says_that_the_address_is_to_be_confirmed_and_sends_the_link(
    browser: Browser, database: Database, mail: MailSink
) -> None:
    browser.open("/signup")
    browser.send("/app/sign-up", email="c@example.org", password=NEW, timezone="Europe/Madrid")
    work(database)
    browser.open("/login")
    refused = browser.send("/app/sign-in", email="c@example.org", password=NEW)
    assert refused.status_code == 403
    assert "Confirm your e-mail address first" in refused.get_data(as_text=True)
    work(database)
    assert len(letters(mail, "c@example.org")) == 2


def test_the_operator_hands_out_a_link_where_no_mail_is_sent(
    app: Flask, browser: Browser, api: Api, alice: Person
) -> None:
    runner = app.test_cli_runner()
    with app.app_context():
        printed = runner.invoke(args=["reset-link", alice.email])
        unknown = runner.invoke(args=["reset-link", "nobody@example.org"])
    assert printed.exit_code == 0
    assert unknown.exit_code == 1
    assert "#" not in unknown.output
    browser.open("/app/reset-password")
    sent = {"token": token_of(printed.stdout), "password": NEW}
    assert browser.send("/app/reset-password", **sent).status_code == 303
    assert login(api, alice.email, NEW).status_code == 200


def test_a_name_and_a_clock_are_changed_at_once(app: Flask, alice: Person) -> None:
    hers = signed_in(app, alice)
    changed = hers.patch("/auth/me", {"username": "Alicia", "timezone": "America/New_York"})
    assert changed.get_json() == hers.get("/auth/me").get_json()
    assert changed.get_json()["username"] == "Alicia"
    for wrong in ({"timezone": "Mars/Olympus"}, {"username": ""}, {"role": "administrator"}):
        assert_problem(hers.patch("/auth/me", wrong), 422)
