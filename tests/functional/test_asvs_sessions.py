"""OWASP ASVS 5.0, what it asks of sessions (V7) and of tokens that tell things (V9), row by row."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from medical_ai.auth.models import User
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.people import PASSWORD, Person
from tests.support.tokens import Forger

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
LONG_ACCESS = pytest.mark.settings(access_token_seconds=2_592_000)
COOKIES = ("__Host-access", "__Host-refresh")


@pytest.fixture
def forger(settings: Settings, api: Api, alice: Person) -> Forger:
    """Somebody with a genuine session of Alice's, and the keys."""
    granted = login(api, alice.email).get_json()
    read = (
        jwt.decode(granted[name], options={"verify_signature": False})
        for name in ("access_token", "refresh_token")
    )
    return Forger(settings, *read)


@BOTH
def test_signing_in_gives_a_new_session(app: Flask, api: Api, alice: Person) -> None:
    """V7.2.4: a new session token on authentication, re-authentication included."""
    granted = [login(api, alice.email).get_json() for _ in range(3)]
    for name in ("access_token", "refresh_token"):
        assert len({one[name] for one in granted}) == 3
    browser = Browser(app)
    seen = set()
    for _ in range(2):
        browser.sign_in(alice)
        seen.add(tuple(browser.cookie(name).value for name in COOKIES))
        browser.open("/app/today")
        browser.send("/app/sign-out")
    assert len(seen) == 2


@BOTH
def test_a_planted_session_is_replaced_when_somebody_signs_in(
    app: Flask, alice: Person, bob: Person
) -> None:
    """V7.2.4: a token that an attacker planted before the sign-in is worth nothing after it."""
    attacker, victim = Browser(app), Browser(app)
    attacker.sign_in(bob)
    planted = {name: attacker.cookie(name).value for name in COOKIES}
    victim.open("/login")
    for name, value in planted.items():
        victim.client.set_cookie(name, value, domain="localhost", secure=True)
    victim.send("/app/sign-in", email=alice.email, password=PASSWORD)
    assert all(victim.cookie(name).value != value for name, value in planted.items())
    assert "alice@example.org" in victim.open("/app/settings").get_data(as_text=True)
    assert "bob@example.org" in attacker.open("/app/settings").get_data(as_text=True)


@BOTH
@LONG_ACCESS
@pytest.mark.parametrize(("who", "idle"), [("alice", 604_800), ("bob", 3600)])
def test_a_session_that_is_not_used_ends(
    app: Flask, request: pytest.FixtureRequest, who: str, idle: int
) -> None:
    """V7.3.1: there is an inactivity timeout, so that one must sign in again."""
    person = request.getfixturevalue(who)
    client, browser = signed_in(app, person), Browser(app)
    browser.sign_in(person)
    start = clock.now()
    with time_machine.travel(start + timedelta(seconds=idle + 1)):
        assert_problem(client.get("/auth/me"), 401)
        assert browser.open("/app/settings").location == "/login?next=/app/settings"


@BOTH
@LONG_ACCESS
def test_a_session_in_use_ends_at_its_absolute_limit(app: Flask, bob: Person) -> None:
    """V7.3.2: there is an absolute maximum session lifetime."""
    client = signed_in(app, bob)
    start = clock.now()
    for minutes in range(45, 12 * 60, 45):
        with time_machine.travel(start + timedelta(minutes=minutes)):
            assert client.get("/auth/me").status_code == 200
    with time_machine.travel(start + timedelta(hours=12, seconds=1)):
        assert_problem(client.get("/auth/me"), 401)


@BOTH
def test_signing_out_ends_the_session_on_the_server(app: Flask, alice: Person) -> None:
    """V7.4.1: a terminated session allows no further use, by API or by a copied cookie."""
    granted = login(Api(app), alice.email).get_json()
    client = Api(app, granted["access_token"])
    assert client.post("/auth/logout").status_code == 204
    assert_problem(client.get("/auth/me"), 401)
    assert_problem(client.with_token(granted["refresh_token"]).post("/auth/refresh"), 401)
    browser, thief = Browser(app), Browser(app)
    browser.sign_in(alice)
    for name in COOKIES:
        value = browser.cookie(name).value
        thief.client.set_cookie(name, value, domain="localhost", secure=True)
    browser.open("/app/today")
    browser.send("/app/sign-out")
    assert thief.open("/app/today").status_code == 303


@BOTH
def test_a_disabled_account_has_no_session(app: Flask, alice: Person, database: Database) -> None:
    """V7.4.2: all active sessions end when an account is disabled, programs' access included."""
    clients = [signed_in(app, alice) for _ in range(2)]
    last_day = (clock.now() + timedelta(days=2)).date().isoformat()
    made = clients[0].post("/auth/tokens", {"name": "script", "expires_on": last_day}).get_json()
    clients.append(clients[0].with_token(made["token"]))
    assert [one.get("/auth/me").status_code for one in clients] == [200] * 3
    with database.unit_of_work() as session:
        session.execute(
            update(User).where(User.id == alice.user_id).values(suspended_at=clock.now())
        )
    assert [one.get("/auth/me").status_code for one in clients] == [401] * 3


def command(app: Flask, *words: str) -> tuple[int, str]:
    """Run a command as `flask --app app` does; return its exit code and what it printed."""
    with app.app_context():
        done = app.test_cli_runner().invoke(args=words)
    return done.exit_code, done.stdout


@BOTH
def test_whoever_runs_it_ends_the_sessions_of_one_or_of_all(
    app: Flask, alice: Person, bob: Person
) -> None:
    """V7.4.5: administrators can end the sessions of one user or of all of them."""
    hers, his = [signed_in(app, alice) for _ in range(2)], signed_in(app, bob)
    last_day = (clock.now() + timedelta(days=2)).date().isoformat()
    made = hers[0].post("/auth/tokens", {"name": "script", "expires_on": last_day}).get_json()
    hers.append(hers[0].with_token(made["token"]))
    for words in ((), ("nobody@example.org",), ("alice@example.org", "--everybody")):
        assert command(app, "sign-out", *words)[0] == 1
    assert command(app, "sign-out", "Alice@example.org") == (0, "2 sessions ended.\n")
    assert [one.get("/auth/me").status_code for one in hers] == [401] * 3
    assert his.get("/auth/me").status_code == 200
    assert command(app, "sign-out", "--everybody") == (0, "1 session ended.\n")
    assert_problem(his.get("/auth/me"), 401)


@pytest.mark.parametrize("change", ["exp", "nbf"])
def test_a_token_counts_only_within_its_time(forger: Forger, api: Api, change: str) -> None:
    """V9.2.1: a token is accepted within its validity span alone."""
    now = int(clock.now().timestamp())
    wrong = {"exp": {"exp": now - 60}, "nbf": {"nbf": now + 600}}[change]
    assert_problem(api.with_token(forger.changed(**wrong)).get("/auth/me"), 401)
    assert api.with_token(forger.honest()).get("/auth/me").status_code == 200


def test_an_accepted_token_is_refused_the_second_it_is_over(api: Api, alice: Person) -> None:
    """V9.2.1: also one whose signature was checked a moment ago and is remembered."""
    granted = login(api, alice.email).get_json()
    client = api.with_token(granted["access_token"])
    assert client.get("/auth/me").status_code == 200
    with time_machine.travel(clock.now() + timedelta(seconds=granted["expires_in"] + 1)):
        assert_problem(client.get("/auth/me"), 401)


def test_a_token_is_good_for_its_purpose_alone(forger: Forger, api: Api, alice: Person) -> None:
    """V9.2.2: the type of a token is checked: access, refresh and personal are never mixed."""
    granted = login(api, alice.email).get_json()
    assert_problem(api.with_token(granted["refresh_token"]).get("/auth/me"), 401)
    assert_problem(api.with_token(granted["access_token"]).post("/auth/refresh"), 401)
    for kind in ("refresh", "personal", "id", ...):
        assert_problem(api.with_token(forger.changed(type=kind)).get("/auth/me"), 401)


@pytest.mark.parametrize("audience", ["somebody-else", ["somebody-else"], [], "", ...])
def test_a_token_for_another_service_is_refused(forger: Forger, api: Api, audience: object) -> None:
    """V9.2.3: only a token whose audience is this service is accepted."""
    assert_problem(api.with_token(forger.changed(aud=audience)).get("/auth/me"), 401)


def test_an_issuer_that_is_not_ours_is_refused(forger: Forger, api: Api) -> None:
    """V9.2.4: keys of ours sign for one issuer and one audience; tokens tell them apart."""
    for issuer in ("https://evil.example.org", "", ...):
        assert_problem(api.with_token(forger.changed(iss=issuer)).get("/auth/me"), 401)
