"""Linking an account to the provider: only for who proves both sides, and parting them again."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.test import TestResponse

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import ProviderSignIn, TokenFamily, User
from medical_ai.auth.service import delete_unproved
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.notifications.models import Notice
from tests.functional.provider.conftest import Traveller, find_account
from tests.support.people import PASSWORD, Person
from tests.support.provider import IdentityProvider

PROOF_PAGE = "/app/oidc/proof"
SETTINGS_PAGE = "/app/settings/identity-provider"
LINK = f"{SETTINGS_PAGE}/link"


def prove(browser: Traveller, response: TestResponse, password: str = PASSWORD) -> TestResponse:
    """Follow to the page that asks for the password, and give one."""
    assert response.headers["Location"] == PROOF_PAGE, response.get_data(as_text=True)
    assert browser.open(PROOF_PAGE).status_code == 200
    return browser.send(PROOF_PAGE, password=password)


def families(database: Database) -> list[str]:
    """Return why sessions ended; empty for those that live."""
    with database.reading() as session:
        return sorted(session.scalars(select(TokenFamily.revoked_because)))


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_a_local_account_is_linked_after_its_password(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    elsewhere = Traveller(browser.client.application, idp)
    elsewhere.sign_in(alice)
    idp.add("idp|alice", alice.email)
    response = browser.travel(alice.email, path="/app/oidc/start?next=/app/history")
    assert find_account(database, alice.email).auth0_user_id is None
    assert prove(browser, response).headers["Location"] == "/app/history"
    assert find_account(database, alice.email).auth0_user_id == "idp|alice"
    assert families(database) == ["", "provider linked"]
    assert elsewhere.open("/app/today").status_code == 303
    with database.reading() as session:
        assert "account:provider:linked" in session.scalars(select(AuditEvent.tag)).all()
        assert [one.value for one in session.scalars(select(Notice.kind))] == ["provider-linked"]
    assert Traveller(browser.client.application, idp).travel(alice.email).status_code == 303


def test_the_address_alone_links_nothing(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    idp.add("idp|mallory", alice.email)
    response = browser.travel(alice.email)
    refused = prove(browser, response, "not hers at all")
    assert refused.status_code == 401
    assert "The e-mail address or the password is wrong." in refused.get_data(as_text=True)
    assert find_account(database, alice.email).auth0_user_id is None
    assert browser.open("/app/today").status_code == 303
    assert families(database) == []


def test_an_unconfirmed_address_is_refused_plainly(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    idp.add("idp|mallory", alice.email, verified=False)
    response = browser.travel(alice.email)
    assert response.status_code == 403
    assert "not confirmed at the identity provider" in response.get_data(as_text=True)
    with database.reading() as session:
        assert session.scalars(select(ProviderSignIn)).all() == []


@pytest.mark.settings(ratelimit_enabled=True, login_attempts_per_minute=2)
def test_proofs_are_counted_as_sign_ins_are(
    browser: Traveller, idp: IdentityProvider, alice: Person
) -> None:
    idp.add("idp|mallory", alice.email)
    response = browser.travel(alice.email)
    seen = [prove(browser, response, "a guess of many").status_code for _ in range(3)]
    assert seen == [401, 401, 429]


@pytest.mark.parametrize(
    "typed", [{}, {"password": ""}, {"password": "x" * 300}, {"otp": "1" * 99}]
)
def test_a_proof_of_no_use_is_said_at_its_field(
    browser: Traveller, idp: IdentityProvider, alice: Person, typed: dict[str, str]
) -> None:
    idp.add("idp|alice", alice.email)
    browser.travel(alice.email)
    browser.open(PROOF_PAGE)
    refused = browser.send(PROOF_PAGE, **typed)
    assert refused.status_code == 422
    assert "Error: " in refused.get_data(as_text=True)
    assert "11111" not in refused.get_data(as_text=True)


def test_a_proof_that_comes_late_is_refused(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    idp.add("idp|alice", alice.email)
    response = browser.travel(alice.email)
    browser.open(PROOF_PAGE)
    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        refused = browser.send(PROOF_PAGE, password=PASSWORD)
        assert refused.status_code == 404
        assert "took too long" in refused.get_data(as_text=True)
        with database.unit_of_work() as session:
            assert delete_unproved(session) == 1
    assert response.headers["Location"] == PROOF_PAGE
    assert find_account(database, alice.email).auth0_user_id is None


def test_a_proof_of_another_browser_is_none(
    browser: Traveller, idp: IdentityProvider, alice: Person
) -> None:
    idp.add("idp|alice", alice.email)
    browser.travel(alice.email)
    other = Traveller(browser.client.application, idp)
    assert other.open(PROOF_PAGE).status_code == 404
    assert other.send(PROOF_PAGE, password=PASSWORD).status_code == 404


def test_a_proof_works_once(browser: Traveller, idp: IdentityProvider, alice: Person) -> None:
    idp.add("idp|alice", alice.email)
    assert prove(browser, browser.travel(alice.email)).status_code == 303
    browser.open("/app/settings")
    assert browser.send(PROOF_PAGE, password=PASSWORD).status_code == 404


def test_an_account_that_is_linked_to_somebody_else_stays_so(
    browser: Traveller, idp: IdentityProvider, database: Database, linked: Person
) -> None:
    idp.add("idp|second", linked.email)
    idp.steer("people", **{"idp|alice": {"email": "moved@example.org", "secret": "x"}})
    response = browser.travel(linked.email)
    assert response.status_code == 403
    assert find_account(database, linked.email).auth0_user_id == "idp|alice"


def test_an_account_is_linked_from_its_settings(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    browser.sign_in(alice)
    assert "is not linked" in browser.open(SETTINGS_PAGE).get_data(as_text=True)
    idp.add("idp|alias", "another.address@example.org")
    response = browser.travel("another.address@example.org", path=LINK)
    assert prove(browser, response).headers["Location"] == SETTINGS_PAGE
    assert find_account(database, alice.email).auth0_user_id == "idp|alias"
    assert families(database) == ["", "provider linked"]
    assert "is linked" in browser.open(SETTINGS_PAGE).get_data(as_text=True)


def test_somebody_elses_browser_cannot_finish_a_link(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person, bob: Person
) -> None:
    browser.sign_in(alice)
    idp.add("idp|mallory", "mallory@example.org")
    back = idp.sign_in(browser.begin(LINK), "mallory@example.org")
    browser.open("/app/today")
    token = browser.cookie("__Host-session").value
    browser.sign_in(bob)
    browser.client.set_cookie("__Host-session", token, domain="localhost", secure=True)
    response = browser.come_back(back)
    assert response.status_code == 400
    assert "signed out meanwhile" in response.get_data(as_text=True)
    for person in (alice, bob):
        assert find_account(database, person.email).auth0_user_id is None


def test_a_refusal_there_leads_back_to_the_settings(
    browser: Traveller, idp: IdentityProvider, alice: Person
) -> None:
    browser.sign_in(alice)
    response = browser.come_back(idp.sign_in(browser.begin(LINK), alice.email, answer="no"))
    assert response.status_code == 403
    page = response.get_data(as_text=True)
    assert "did not sign you in" in page
    assert "Link my account" in page


def test_an_identity_belongs_to_one_account(
    browser: Traveller, idp: IdentityProvider, database: Database, linked: Person, bob: Person
) -> None:
    browser.sign_in(bob)
    response = browser.travel(linked.email, path=LINK)
    assert response.status_code == 409
    assert find_account(database, bob.email).auth0_user_id is None


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_the_second_of_two_links_to_one_identity_is_refused(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person, bob: Person
) -> None:
    idp.add("idp|shared", "shared@example.org")
    other = Traveller(browser.client.application, idp)
    browser.sign_in(alice)
    other.sign_in(bob)
    hers = browser.travel("shared@example.org", path=LINK)
    his = other.travel("shared@example.org", path=LINK)
    assert prove(browser, hers).status_code == 303
    assert prove(other, his).status_code == 409
    assert find_account(database, bob.email).auth0_user_id is None


def test_parting_needs_a_password_and_ends_other_sessions(
    browser: Traveller, idp: IdentityProvider, database: Database, linked: Person
) -> None:
    elsewhere = Traveller(browser.client.application, idp)
    elsewhere.travel(linked.email)
    browser.travel(linked.email)
    browser.open(SETTINGS_PAGE)
    assert browser.send(f"{SETTINGS_PAGE}/unlink").status_code == 303
    assert find_account(database, linked.email).auth0_user_id is None
    assert browser.open("/app/today").status_code == 200
    assert elsewhere.open("/app/today").status_code == 303
    assert families(database) == ["", "provider unlinked"]
    with database.reading() as session:
        assert session.scalars(select(ProviderSignIn)).all() == []
    browser.open(SETTINGS_PAGE)
    assert browser.send(f"{SETTINGS_PAGE}/unlink").status_code == 409


def test_the_only_way_in_cannot_be_removed(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    email = f"{uuid4().hex}@example.org"
    idp.add("idp|only", email)
    browser.travel(email)
    page = browser.open(SETTINGS_PAGE).get_data(as_text=True)
    assert "the only way into your account" in page
    browser.open("/app/settings")
    assert browser.send(f"{SETTINGS_PAGE}/unlink").status_code == 409
    assert find_account(database, email).auth0_user_id == "idp|only"


def test_forms_of_the_provider_want_their_token(
    browser: Traveller, idp: IdentityProvider, database: Database, linked: Person
) -> None:
    browser.travel(linked.email)
    for path in (f"{SETTINGS_PAGE}/unlink", PROOF_PAGE):
        assert browser.post(path, {"password": PASSWORD}).status_code == 400
    assert find_account(database, linked.email).auth0_user_id == "idp|alice"


def test_no_other_hospital_sees_anything_of_it(
    browser: Traveller, database: Database, linked: Person, charlie: Person
) -> None:
    browser.sign_in(charlie)
    browser.open(SETTINGS_PAGE)
    assert browser.send(f"{SETTINGS_PAGE}/unlink").status_code == 409
    with database.reading() as session:
        assert session.get_one(User, linked.user_id).auth0_user_id == "idp|alice"


def test_looking_at_the_pages_changes_nothing(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    browser.sign_in(alice)
    idp.add("idp|alias", "another.address@example.org")
    browser.travel("another.address@example.org", path=LINK)
    with database.reading() as session:
        before = session.scalars(select(AuditEvent.id)).all()
    for path in (SETTINGS_PAGE, LINK, PROOF_PAGE, "/app/oidc/start", "/app/oidc/leave"):
        assert browser.open(path).status_code < 400, path
    with database.reading() as session:
        assert session.scalars(select(AuditEvent.id)).all() == before
        assert len(session.scalars(select(ProviderSignIn)).all()) == 1
