"""What ASVS 5.0 asks of passwords, sign-in and recovery, each rule with its number."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from medical_ai.auth.guesses import FREE_TRIES
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.jobs import letters, mailing, token_of, work
from tests.support.mail import MailSink
from tests.support.people import PASSWORD, Person

NEW = "a lantern on the pier"  # pragma: allowlist secret - made up
WRONG = "not this one"
LIMITED = pytest.mark.settings(ratelimit_enabled=True, ratelimit_default="1000 per second")
REQUIRED = pytest.mark.settings(email_verification="required")


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return mailing(settings, mail)


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect what is asked of the database while the block lasts."""
    engine, asked = app.extensions["medical_ai.database"].engine, []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def sign_up(api: Api, email: str, password: str) -> Any:
    """Sign up and return the answer."""
    return api.post("/auth/signup", {"email": email, "password": password})


def forget(api: Api, database: Database, mail: MailSink, email: str) -> str:
    """Ask for a link and return its token."""
    assert api.post("/auth/password/forgot", {"email": email}).status_code == 202
    work(database)
    return token_of(letters(mail, email)[-1][1])


def test_passwords_have_eight_characters_or_more(api: Api) -> None:
    """V6.2.1"""
    problem = assert_problem(sign_up(api, "c@example.org", "seven77"), 422)
    assert problem["errors"][0]["loc"] == "password"
    assert sign_up(api, "c@example.org", "eight 88").status_code == 201


def test_people_change_their_password(app: Flask, api: Api, alice: Person) -> None:
    """V6.2.2"""
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert signed_in(app, alice).post("/auth/password", body).status_code == 204
    assert_problem(login(api, alice.email), 401)
    assert login(api, alice.email, NEW).status_code == 200


def test_changing_the_password_asks_for_the_present_one(app: Flask, alice: Person) -> None:
    """V6.2.3"""
    hers = signed_in(app, alice)
    assert_problem(hers.post("/auth/password", {"new_password": NEW}), 422)
    wrong = {
        "current_password": WRONG,
        "new_password": NEW,
    }
    problem = assert_problem(hers.post("/auth/password", wrong), 422)
    assert [one["loc"] for one in problem["errors"]] == ["current_password"]
    assert login(hers, alice.email).status_code == 200


def test_the_most_common_passwords_are_refused_everywhere(
    api: Api, database: Database, mail: MailSink, alice: Person
) -> None:
    """V6.2.4, V6.2.12"""
    common = [one for one in FREQUENCY_LISTS["passwords"][:3000] if len(one) >= 8][::40]
    for number, password in enumerate(common):
        answer = sign_up(api, f"p{number}@example.org", password)
        assert_problem(answer, 422)
        assert "guessed first" in answer.get_data(as_text=True)
    changed = {"current_password": PASSWORD, "new_password": common[0]}
    assert_problem(signed_in(api.app, alice).post("/auth/password", changed), 422)
    token = forget(api, database, mail, alice.email)
    reset = {"token": token, "password": common[0]}
    assert_problem(api.post("/auth/password/reset", reset), 422)


@pytest.mark.parametrize("password", ["only small letters", "12 34 56 78 90 12", "ÄÖÜ äöü ß 猫 🐴"])
def test_no_kind_of_character_is_asked_for(api: Api, password: str) -> None:
    """V6.2.5"""
    assert sign_up(api, "c@example.org", password).status_code == 201


def test_password_fields_hide_what_is_typed_and_let_managers_fill_them(app: Flask) -> None:
    """V6.2.6, V6.2.7"""
    browser = Browser(app)
    for path, kind in (
        ("/login", "current-password"),
        ("/signup", "new-password"),
        ("/app/reset-password", "new-password"),
    ):
        page = browser.open(path).get_data(as_text=True)
        field = re.search(r'<input[^>]*name="password"[^>]*>', page)
        assert field, path
        assert 'type="password"' in field[0]
        assert f'autocomplete="{kind}"' in field[0]
        assert "onpaste" not in page


def test_a_password_is_verified_exactly_as_it_was_chosen(api: Api) -> None:
    """V6.2.8, V6.2.9"""
    chosen = " Ünïcode " + "x" * 120 + " End "
    assert sign_up(api, "c@example.org", chosen).status_code == 201
    for wrong in (chosen[:-1], chosen.strip(), chosen.lower(), chosen[:72], chosen + "x"):
        assert_problem(login(api, "c@example.org", wrong), 401)
    assert login(api, "c@example.org", chosen).status_code == 200
    decomposed = chosen.replace("Ü", "U\u0308").replace("ï", "i\u0308")
    assert login(api, "c@example.org", decomposed).status_code == 200


@LIMITED
@pytest.mark.settings(login_attempts_per_minute=1000)
def test_guessing_is_slowed_down_for_accounts_that_are_and_are_not(api: Api, alice: Person) -> None:
    """V6.3.1, V6.3.8"""
    heard = []
    for email in (alice.email, "nobody@example.org"):
        with time_machine.travel(clock.now(), tick=False):
            statuses = [login(api, email, "wrong").status_code for _ in range(FREE_TRIES)]
            refused = login(api, email, "wrong")
        problem = assert_problem(refused, 429) | {"request_id": ""}
        heard.append((statuses, problem, refused.headers["Retry-After"]))
    assert heard[0] == heard[1]
    assert heard[0][0] == [401] * FREE_TRIES
    with time_machine.travel(clock.now(), tick=False):
        while login(api, alice.email, "wrong").status_code != 429:
            pass
        assert_problem(login(api, alice.email), 429)  # the right one is no exception


@LIMITED
@pytest.mark.settings(login_attempts_per_minute=1000)
def test_a_stranger_locks_nobody_out(app: Flask, alice: Person) -> None:
    """V6.1.1, V6.3.1"""
    hers = Browser(app)
    assert hers.sign_in(alice).status_code == 303
    assert hers.cookie("__Host-device").http_only
    assert hers.cookie("__Host-device").secure
    stranger = Api(app)
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    body = {"email": alice.email, "password": WRONG}
    for _ in range(FREE_TRIES * 2):
        last = stranger.post("/auth/login", body, headers=elsewhere)
    assert last.status_code == 429
    hers.open("/app/today")
    assert hers.send("/app/sign-out").status_code == 303
    assert hers.sign_in(alice).location == "/app/today"


def test_there_are_no_secret_questions_or_hints(app: Flask, alice: Person) -> None:
    """V6.4.2"""
    hers = Browser(app)
    hers.sign_in(alice)
    nobody = Browser(app)
    pages = [nobody.open(path) for path in ("/login", "/signup", "/app/forgot-password",
                                            "/app/reset-password")]  # fmt: skip
    pages += [hers.open(f"/app/settings/{name}") for name in ("password", "email", "profile")]
    for page in pages:
        text = page.get_data(as_text=True).lower()
        assert page.status_code == 200
        for word in (
            "maiden",
            "first pet",
            "security question",
            "secret question",
            "reminder hint",
        ):
            assert word not in text


def test_a_forgotten_password_is_reset_by_a_link_that_works_once(
    app: Flask, api: Api, database: Database, mail: MailSink, alice: Person
) -> None:
    """V6.4.3, V6.5.1"""
    before = signed_in(app, alice)
    body = {"token": forget(api, database, mail, alice.email), "password": NEW}
    answer = api.post("/auth/password/reset", body)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "changed"})
    assert_problem(before.get("/auth/me"), 401)  # V7.4.3
    assert login(api, alice.email, NEW).status_code == 200
    again = assert_problem(api.post("/auth/password/reset", body), 404)
    never = assert_problem(api.post("/auth/password/reset", body | {"token": "x"}), 404)
    assert again | {"request_id": ""} == never | {"request_id": ""}


def test_links_are_long_random_and_end_soon(
    api: Api, database: Database, mail: MailSink, alice: Person, settings: Settings
) -> None:
    """V6.4.1, V6.5.3"""
    token = forget(api, database, mail, alice.email)
    assert len(token) >= 48  # an id and 192 bits
    assert settings.reset_link_minutes <= 30
    text = letters(mail, alice.email)[-1][1]
    assert f"/app/reset-password#{token}" in text
    assert "?" not in text.partition("http")[2]


def test_asking_for_a_link_does_not_tell_who_has_an_account(api: Api, alice: Person) -> None:
    """V6.3.8"""
    heard = []
    for email in (alice.email, "nobody@example.org"):
        with statements(api.app) as asked:
            answer = api.post("/auth/password/forgot", {"email": email})
        heard.append((answer.status_code, answer.data, _headers(answer), asked))
    assert heard[0] == heard[1]
    assert heard[0][0] == 202


@REQUIRED
def test_signing_up_does_not_tell_who_has_an_account(api: Api, alice: Person) -> None:
    """V6.3.8"""
    heard = []
    for email in (alice.email, "nobody@example.org"):
        with statements(api.app) as asked:
            answer = sign_up(api, email, NEW)
        heard.append((answer.status_code, answer.get_json(), _headers(answer), asked))
    assert heard[0] == heard[1]  # what is asked of the database, too, so that the time is the same
    assert heard[0][:2] == (202, {"status": "verification-sent"})


def test_a_wrong_password_does_not_tell_who_has_an_account(api: Api, alice: Person) -> None:
    """V6.3.8"""
    heard = []
    for email in (alice.email, "nobody@example.org"):
        with statements(api.app) as asked:
            problem = assert_problem(login(api, email, "wrong"), 401)
        heard.append((problem | {"request_id": ""}, asked))
    assert heard[0] == heard[1]


@REQUIRED
def test_an_address_that_must_be_confirmed_opens_nothing_before(
    api: Api, database: Database, mail: MailSink
) -> None:
    """V6.4.1"""
    sign_up(api, "c@example.org", NEW)
    work(database)
    problem = assert_problem(login(api, "c@example.org", NEW), 403)
    assert problem["type"].endswith("email-unverified")
    assert_problem(login(api, "c@example.org", "wrong"), 401)
    token = token_of(letters(mail, "c@example.org")[0][1])
    assert api.post("/auth/verify-email", {"token": token}).get_json() == {"status": "verified"}
    assert login(api, "c@example.org", NEW).status_code == 200


def test_a_changed_password_ends_every_other_session(app: Flask, api: Api, alice: Person) -> None:
    """V7.4.3"""
    here, there = signed_in(app, alice), signed_in(app, alice)
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert here.post("/auth/password", body).status_code == 204
    assert here.get("/auth/me").status_code == 200
    assert_problem(there.get("/auth/me"), 401)


def test_a_changed_address_asks_for_the_password_and_ends_every_other_session(
    app: Flask, database: Database, mail: MailSink, alice: Person
) -> None:
    """V7.5.1, V6.3.7"""
    here, there = signed_in(app, alice), signed_in(app, alice)
    body = {
        "email": "alice@example.net",
        "password": WRONG,
    }
    assert_problem(here.post("/auth/email", body), 422)
    asked = here.post("/auth/email", body | {"password": PASSWORD})
    assert (asked.status_code, asked.get_json()) == (202, {"status": "confirmation-sent"})
    work(database)
    assert "Somebody asked" in letters(mail, alice.email)[0][0]
    token = token_of(letters(mail, "alice@example.net")[0][1])
    assert here.post("/auth/email/confirm", {"token": token}).status_code == 200
    assert here.get("/auth/me").get_json()["email"] == "alice@example.net"
    assert_problem(there.get("/auth/me"), 401)
    work(database)
    assert letters(mail, "alice@example.net")[-1][0] == "Your e-mail address was changed"


def test_the_link_can_be_sent_again_but_not_without_end(
    app: Flask, database: Database, mail: MailSink, alice: Person
) -> None:
    """V6.3.1"""
    hers = signed_in(app, alice)
    assert hers.get("/auth/me").get_json()["email_verified"] is False
    assert hers.post("/auth/verify-email/resend").status_code == 202
    work(database)
    token = token_of(letters(mail, alice.email)[0][1])
    assert hers.post("/auth/verify-email", {"token": token}).status_code == 200
    assert hers.get("/auth/me").get_json()["email_verified"] is True
    assert_problem(hers.post("/auth/verify-email/resend"), 409)


@LIMITED
def test_the_link_is_not_sent_without_end(app: Flask, alice: Person) -> None:
    """V6.3.1"""
    hers = signed_in(app, alice)
    answers = [hers.post("/auth/verify-email/resend") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert int(answers[-1].headers["Retry-After"]) > 60


def _headers(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name != "X-Request-Id"}
