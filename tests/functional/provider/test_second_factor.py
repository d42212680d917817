"""The second factor of an account whose owner signs in at the provider."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from medical_ai.auth import otp
from medical_ai.auth.models import ProviderSignIn, TokenFamily, User
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.functional.provider.conftest import Traveller
from tests.support.factors import App, enrol, make_real
from tests.support.http import Api, assert_problem
from tests.support.people import PASSWORD, Person
from tests.support.provider import IdentityProvider

STEP_PAGE = "/app/sign-in/code"
FACTOR_PAGE = "/app/settings/second-factor"
SECRET_SHOWN = re.compile(r"\b(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}\b")


@pytest.fixture
def authenticator(app: Flask, linked: Person) -> App:
    """The app of Alice, whose account is linked."""
    return enrol(app, linked)


def find_families(database: Database) -> list[TokenFamily]:
    """Return the live sessions, the newest last."""
    with database.reading() as session:
        live = select(TokenFamily).where(TokenFamily.revoked_at.is_(None))
        return list(session.scalars(live.order_by(TokenFamily.id)))


def test_the_provider_alone_opens_nothing_where_there_is_a_second_factor(
    browser: Traveller, linked: Person, authenticator: App, database: Database
) -> None:
    before = len(find_families(database))
    response = browser.travel(linked.email, path="/app/oidc/start?next=/app/history")
    assert (response.status_code, response.headers["Location"]) == (
        303,
        f"{STEP_PAGE}?next=/app/history",
    )
    assert browser.open("/app/today").headers["Location"].startswith("/login")
    assert len(find_families(database)) == before
    browser.open(response.headers["Location"])
    assert browser.send(STEP_PAGE, code="000000").status_code == 401
    sent = browser.send(STEP_PAGE, code=authenticator.code(), next="/app/history")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/app/history")
    opened = find_families(database)[-1]
    assert opened.factors == "provider+totp"
    with database.reading() as session:
        assert session.scalars(select(ProviderSignIn.family_id)).all() == [opened.id]
    browser.open("/app/settings")
    assert browser.send("/app/sign-out").headers["Location"] == "/app/oidc/leave"


def test_what_waits_for_the_code_is_over_when_the_account_was_parted(
    browser: Traveller, linked: Person, authenticator: App, database: Database
) -> None:
    browser.travel(linked.email)
    browser.open(STEP_PAGE)
    with database.unit_of_work() as session:
        session.delete(session.scalars(select(ProviderSignIn)).one())
    assert browser.send(STEP_PAGE, code=authenticator.code()).status_code == 401
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert browser.open(STEP_PAGE).status_code == 303


def test_a_token_of_the_provider_does_not_go_around_the_second_factor(
    app: Flask, idp: IdentityProvider, linked: Person
) -> None:
    theirs = Api(app, idp.token_for(linked.email)["access_token"])
    assert theirs.get("/auth/me").status_code == 200
    enrol(app, linked)
    refused = assert_problem(theirs.get("/auth/me"), 403)
    assert refused["type"].endswith("mfa_required")


@pytest.mark.settings(oidc_second_factor=True)
def test_a_provider_that_asks_for_one_itself_is_believed(
    browser: Traveller,
    linked: Person,
    authenticator: App,
    database: Database,
    idp: IdentityProvider,
) -> None:
    theirs = Api(authenticator.api.app, idp.token_for(linked.email)["access_token"])
    assert theirs.get("/auth/me").status_code == 200
    assert browser.travel(linked.email).headers["Location"] == "/app/today"
    assert find_families(database)[-1].factors == "provider"


@pytest.mark.settings(oidc_second_factor=True)
def test_a_password_as_proof_takes_nothing_from_what_the_provider_vouched_for(
    browser: Traveller, idp: IdentityProvider, database: Database, dana: Person
) -> None:
    make_real(database, dana)
    idp.add("idp|dana", dana.email)
    with database.unit_of_work() as session:
        session.get_one(User, dana.user_id).auth0_user_id = "idp|dana"
    browser.travel(dana.email)
    assert browser.open("/app/today").status_code == 200
    browser.open("/app/settings/proof")
    assert browser.send("/app/settings/proof", password=PASSWORD).status_code == 303
    assert find_families(database)[-1].factors == "provider"
    assert browser.open("/app/today").status_code == 200


def test_somebody_without_a_password_sets_a_factor_up_and_goes_on(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    idp.add("idp|nora", "nora@example.org")
    browser.travel("nora@example.org")
    browser.open(FACTOR_PAGE)
    browser.send(f"{FACTOR_PAGE}/app")
    page = browser.open(f"{FACTOR_PAGE}/app").get_data(as_text=True)
    found = SECRET_SHOWN.search(page)
    assert found
    code = otp.code_at(otp.plain(found.group()).upper(), otp.step_of(clock.now()))
    assert browser.send(f"{FACTOR_PAGE}/app/confirm", code=code).status_code == 200
    assert find_families(database)[-1].factors == "provider+totp"
    assert browser.send(f"{FACTOR_PAGE}/codes").status_code == 200
