"""Signing in at the provider: the way there and back, what goes wrong, and the way out."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from sqlalchemy import select

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import Membership, ProviderSignIn, TokenFamily, User
from medical_ai.auth.permissions import Role
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.patients.models import CareRelationship
from tests.functional.provider.conftest import Traveller, find_account
from tests.support.browser import ADDRESS
from tests.support.http import Api, assert_problem
from tests.support.people import Person
from tests.support.provider import (
    HOSPITAL,
    ROLES,
    SECRET,
    IdentityProvider,
    identity_provider,
    refresh_of,
    with_query,
)

BEGIN_AGAIN = "Please begin again"


def role_of(database: Database, user_id: object) -> Role:
    """Return what somebody is in their one hospital."""
    with database.reading() as session:
        return session.scalars(select(Membership.role).where(Membership.user_id == user_id)).one()


def count_families(database: Database) -> int:
    """Return how many sessions there are."""
    with database.reading() as session:
        return len(session.scalars(select(TokenFamily)).all())


def test_the_sign_in_page_offers_the_provider_by_a_plain_link(browser: Traveller) -> None:
    page = browser.open("/login?next=/app/history").get_data(as_text=True)
    assert 'href="/app/oidc/start?next=/app/history"' in page
    assert "Sign in with City Login" in page


@pytest.mark.settings(oidc_issuer="")
def test_nothing_is_offered_without_a_provider(browser: Traveller, alice: Person) -> None:
    assert "/app/oidc" not in browser.open("/login").get_data(as_text=True)
    for path in ("start", "callback"):
        assert browser.open(f"/app/oidc/{path}").status_code == 404
    browser.sign_in(alice)
    assert browser.open("/app/settings/identity-provider").status_code == 404
    assert "identity-provider" not in browser.open("/app/settings").get_data(as_text=True)


def test_the_way_there_carries_state_nonce_and_a_challenge(browser: Traveller) -> None:
    query = parse_qs(urlsplit(browser.begin()).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{ADDRESS}/app/oidc/callback"]
    assert min(len(query[name][0]) for name in ("state", "nonce", "code_challenge")) >= 20


def test_a_linked_account_is_signed_in_and_goes_on_to_what_was_wanted(
    browser: Traveller, linked: Person, database: Database
) -> None:
    response = browser.travel(linked.email, path="/app/oidc/start?next=/app/history")
    assert (response.status_code, response.headers["Location"]) == (303, "/app/history")
    cookie = browser.cookie("__Host-access")
    assert cookie.secure
    assert cookie.http_only
    assert "Alice" in browser.open("/app/today").get_data(as_text=True)
    with database.reading() as session:
        kept = session.scalars(select(ProviderSignIn)).one()
        assert kept.family_id is not None
        assert not kept.id_token_sealed.startswith(b"ey")
        tags = session.scalars(select(AuditEvent.tag)).all()
    assert "account:signed-in" in tags


def test_nobody_is_led_to_another_site(browser: Traveller, linked: Person) -> None:
    away = "/app/oidc/start?next=https://evil.example.org/"
    assert browser.travel(linked.email, path=away).headers["Location"] == "/app/today"


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_somebody_new_gets_a_patients_account_without_a_password(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    idp.add("idp|nora", "nora@example.org", name="Nora")
    assert browser.travel("nora@example.org").status_code == 303
    account = find_account(database, "nora@example.org")
    assert (account.auth0_user_id, account.password_hash, account.username) == (
        "idp|nora", "", "Nora",
    )  # fmt: skip
    assert account.email_verified_at is not None
    assert role_of(database, account.id) is Role.PATIENT
    assert browser.open("/app/medications").status_code == 200
    assert (
        Api(browser.client.application)
        .post("/auth/login", {"email": "nora@example.org", "password": "x"})
        .status_code
        == 401
    )


def test_an_unconfirmed_address_is_not_taken_for_confirmed(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    idp.add("idp|ulla", "ulla@example.org", verified=False)
    assert browser.travel("ulla@example.org").status_code == 303
    assert find_account(database, "ulla@example.org").email_verified_at is None


@pytest.mark.settings(smtp_host="127.0.0.1", email_verification="required")
def test_an_unconfirmed_address_gets_no_account_where_addresses_must_be_confirmed(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    idp.add("idp|ulla", "ulla@example.org", verified=False)
    assert browser.travel("ulla@example.org").status_code == 403
    with database.reading() as session:
        assert session.scalars(select(User.email)).all() == []


@pytest.mark.settings(oidc_sign_up=False)
def test_somebody_new_is_refused_where_nobody_may_sign_up(
    browser: Traveller, idp: IdentityProvider, database: Database
) -> None:
    idp.add("idp|nora", "nora@example.org")
    response = browser.travel("nora@example.org")
    assert response.status_code == 403
    assert "no account for you here yet" in response.get_data(as_text=True)
    with database.reading() as session:
        assert session.scalars(select(User.email)).all() == []
        assert session.scalars(select(AuditEvent.tag)).all() == ["account:sign-in:failed"]


def test_a_wrong_password_leads_nowhere(
    browser: Traveller, linked: Person, idp: IdentityProvider, database: Database
) -> None:
    wrong = SECRET[::-1]
    assert idp.sign_in(browser.begin(), linked.email, secret=wrong) == ""
    assert count_families(database) == 0


def test_a_refusal_at_the_provider_is_a_calm_page(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    response = browser.come_back(idp.sign_in(browser.begin(), linked.email, answer="no"))
    assert response.status_code == 403
    page = response.get_data(as_text=True)
    assert "did not sign you in" in page
    assert "Sign in with City Login" in page


@pytest.mark.parametrize("query", ["", "code=x&state=y", "error=access_denied", "state=&code="])
def test_a_state_of_nobody_is_refused(browser: Traveller, query: str) -> None:
    browser.begin()
    response = browser.open(f"/app/oidc/callback?{query}")
    assert response.status_code == 400
    assert BEGIN_AGAIN in response.get_data(as_text=True)


def test_a_state_of_another_browser_is_refused(
    browser: Traveller, linked: Person, idp: IdentityProvider, database: Database
) -> None:
    back = idp.sign_in(browser.begin(), linked.email)
    other = Traveller(browser.client.application, idp)
    other.begin()
    assert other.come_back(back).status_code == 400
    assert count_families(database) == 0


def test_a_callback_works_once(browser: Traveller, linked: Person, idp: IdentityProvider) -> None:
    back = idp.sign_in(browser.begin(), linked.email)
    assert browser.come_back(back).status_code == 303
    assert browser.come_back(back).status_code == 400


def test_a_callback_that_comes_late_is_refused(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    back = idp.sign_in(browser.begin(), linked.email)
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert browser.come_back(back).status_code == 400


@pytest.mark.parametrize("tampered", ["nonce", "code_challenge"])
def test_what_was_exchanged_on_the_way_is_noticed(
    browser: Traveller, linked: Person, idp: IdentityProvider, tampered: str, database: Database
) -> None:
    address = with_query(browser.begin(), **{tampered: "A" * 43})
    response = browser.come_back(idp.sign_in(address, linked.email))
    assert response.status_code == 403
    assert "could not be trusted" in response.get_data(as_text=True)
    assert count_families(database) == 0


def test_an_answer_in_the_name_of_another_issuer_is_refused(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    back = idp.sign_in(browser.begin(), linked.email)
    response = browser.come_back(with_query(back, iss="https://evil.example.org"))
    assert response.status_code == 403


@pytest.mark.settings(oidc_client_id="another-client")
def test_a_client_the_provider_does_not_know_gets_no_code(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    assert idp.sign_in(browser.begin(), linked.email) == ""


def test_a_provider_that_is_away_is_said_calmly(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    with idp.away():
        response = browser.open("/app/oidc/start")
    assert response.status_code == 503
    assert "does not answer" in response.get_data(as_text=True)
    assert response.headers["Retry-After"]


def test_a_provider_that_goes_away_half_way_is_said_calmly(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    back = idp.sign_in(browser.begin(), linked.email)
    with idp.away():
        response = browser.come_back(back)
    assert response.status_code == 503


def test_a_document_of_another_issuer_is_as_good_as_none(
    browser: Traveller, idp: IdentityProvider, request: pytest.FixtureRequest
) -> None:
    provider = browser.client.application.extensions["medical_ai.provider"]
    provider.discovery._issuer = idp.issuer + "/"  # as Auth0's ends, and this one does not
    assert browser.open("/app/oidc/start").status_code == 503


def test_many_begun_sign_ins_do_not_fill_the_cookie(browser: Traveller, linked: Person) -> None:
    for _ in range(20):
        browser.begin()
    assert len(browser.cookie("__Host-session").value) < 2000
    assert browser.travel(linked.email).status_code == 303


def test_the_provider_gives_roles_in_the_hospital_it_names(
    browser: Traveller, idp: IdentityProvider, database: Database, alice: Person
) -> None:
    named = {ROLES: ["physician", "ward-staff"], HOSPITAL: "riverside"}
    idp.add("idp|drew", "drew@example.org", **named)
    assert browser.travel("drew@example.org").status_code == 303
    account = find_account(database, "drew@example.org")
    with database.reading() as session:
        place = session.scalars(select(Membership).where(Membership.user_id == account.id)).one()
    assert (place.role, place.hospital_id) == (Role.DOCTOR, alice.actor.tenant_id)


@pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
def test_a_role_that_changed_there_changes_here_and_ends_sessions(
    browser: Traveller, idp: IdentityProvider, database: Database, linked: Person
) -> None:
    browser.travel(linked.email)
    other = Traveller(browser.client.application, idp)
    idp.add("idp|alice", linked.email, **{ROLES: ["ward-staff"]})
    assert other.travel(linked.email).status_code == 303
    assert role_of(database, linked.user_id) is Role.NURSE
    assert browser.open("/app/today").status_code == 303
    assert other.open("/app/today").status_code == 200


def test_a_provider_without_roles_leaves_them_alone(
    browser: Traveller, idp: IdentityProvider, database: Database, bob: Person
) -> None:
    idp.add("idp|bob", bob.email)
    with database.unit_of_work() as session:
        session.get_one(User, bob.user_id).auth0_user_id = "idp|bob"
    browser.travel(bob.email)
    assert role_of(database, bob.user_id) is Role.DOCTOR
    idp.add("idp|bob", bob.email, **{ROLES: []})
    browser.travel(bob.email)
    assert role_of(database, bob.user_id) is Role.PATIENT
    with database.reading() as session:  # and nothing waits for the day the role comes back
        cared = select(CareRelationship).where(CareRelationship.user_id == bob.user_id)
        assert [one.ended_at is None for one in session.scalars(cared)] == [False]


def test_the_last_administrator_stays_one(
    browser: Traveller, idp: IdentityProvider, database: Database, dana: Person
) -> None:
    idp.add("idp|dana", dana.email, **{ROLES: []})
    with database.unit_of_work() as session:
        session.get_one(User, dana.user_id).auth0_user_id = "idp|dana"
    assert browser.travel(dana.email).status_code == 303
    assert role_of(database, dana.user_id) is Role.ADMINISTRATOR


def test_the_last_administrator_who_can_sign_in_stays_one(
    browser: Traveller, idp: IdentityProvider, database: Database, dana: Person, bob: Person
) -> None:
    idp.add("idp|dana", dana.email, **{ROLES: []})
    with database.unit_of_work() as session:
        session.get_one(User, dana.user_id).auth0_user_id = "idp|dana"
        session.get_one(User, bob.user_id).suspended_at = clock.now()
        bobs = select(Membership).where(Membership.user_id == bob.user_id)
        session.scalars(bobs).one().role = Role.ADMINISTRATOR
    assert browser.travel(dana.email).status_code == 303
    assert role_of(database, dana.user_id) is Role.ADMINISTRATOR


def test_who_is_suspended_here_does_not_come_in_by_the_provider(
    browser: Traveller, database: Database, linked: Person
) -> None:
    with database.unit_of_work() as session:
        session.get_one(User, linked.user_id).suspended_at = clock.now()
    assert browser.travel(linked.email).status_code == 403
    assert count_families(database) == 0


def test_an_unknown_hospital_is_no_way_in(browser: Traveller, idp: IdentityProvider) -> None:
    idp.add("idp|nora", "nora@example.org", **{HOSPITAL: "nowhere"})
    assert browser.travel("nora@example.org").status_code == 403


def test_signing_out_ends_both_sessions(
    browser: Traveller, linked: Person, idp: IdentityProvider, database: Database
) -> None:
    there = requests.Session()
    browser.come_back(idp.sign_in(browser.begin(), linked.email, browser=there))
    assert idp.sign_in(browser.begin(), "nobody", browser=there) != ""  # still known there
    browser.open("/app/today")
    assert browser.send("/app/sign-out").headers["Location"] == "/app/oidc/leave"
    assert browser.cookie("__Host-access") is None
    page = browser.open("/app/oidc/leave").get_data(as_text=True)
    assert idp.sign_out(refresh_of(page), there) == f"{ADDRESS}/login"
    assert idp.sign_in(browser.begin(), "nobody", browser=there) == ""
    assert browser.open("/app/oidc/leave").headers["Location"] == "/login"
    with database.reading() as session:
        assert session.scalars(select(TokenFamily)).one().revoked_because == "signed out"


def test_signing_out_works_while_the_provider_is_away(
    browser: Traveller, linked: Person, idp: IdentityProvider
) -> None:
    browser.travel(linked.email)
    browser.open("/app/today")
    provider = browser.client.application.extensions["medical_ai.provider"]
    provider.discovery._metadata, provider.discovery._look_at = None, 0.0
    with idp.away():
        assert browser.send("/app/sign-out").status_code == 303
        assert browser.open("/app/oidc/leave").headers["Location"] == "/login"
    assert "may still be signed in there" in browser.open("/login").get_data(as_text=True)
    assert browser.open("/app/today").status_code == 303


def test_a_local_sign_in_is_not_led_to_the_provider(browser: Traveller, linked: Person) -> None:
    browser.sign_in(linked)
    browser.open("/app/today")
    assert browser.send("/app/sign-out").headers["Location"] == "/login"


def test_an_address_told_at_the_userinfo_endpoint_is_taken(
    browser: Traveller, tmp_path_factory: pytest.TempPathFactory, database: Database
) -> None:
    provider = browser.client.application.extensions["medical_ai.provider"]
    with identity_provider(tmp_path_factory.mktemp("strict"), ADDRESS, conforms=True) as strict:
        settings = provider._settings.model_copy(update={"oidc_issuer": strict.issuer})
        provider.__init__(browser.client.application, settings)
        strict.add("idp|nora", "nora@example.org", name="Nora")
        assert browser.come_back(strict.sign_in(browser.begin(), "nora@example.org"))
    account = find_account(database, "nora@example.org")
    assert account.username == "Nora"
    assert account.email_verified_at is not None


def test_the_json_api_is_not_a_way_to_begin(api: Api) -> None:
    assert_problem(api.get("/auth/oidc"), 404)
