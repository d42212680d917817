"""The pages of administrators, and taking up an invitation, as a browser meets them."""

import re
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select

from medical_ai.auth.models import Membership
from medical_ai.auth.permissions import Role
from medical_ai.auth.service import factors
from medical_ai.core.database import Database
from medical_ai.patients.policy import POLICY
from medical_ai.patients.redaction import MASK
from medical_ai.patients.samples import SAMPLES
from tests.support.browser import Browser
from tests.support.factors import enrol
from tests.support.people import PASSWORD, Cast, Person

PAGES = ("/app/staff", "/app/staff/invite", "/app/roles", "/app/wards", "/app/redaction")
NEW = {"username": "Nora", "password": PASSWORD, "timezone": "Europe/Berlin"}


@pytest.fixture
def danas(app: Flask, dana: Person) -> Browser:
    """A browser in which the administrator is signed in."""
    browser = Browser(app)
    browser.sign_in(dana)
    browser.open("/app/staff/invite")
    return browser


def text_of(browser: Browser, path: str) -> str:
    """Return what a page says."""
    response = browser.open(path)
    assert response.status_code == 200
    return unescape(response.get_data(as_text=True))


def member(browser: Browser, name: str) -> str:
    """Return the address of a member's page."""
    rows = text_of(browser, "/app/staff").split('<a class="row-link" href="')[1:]
    return next(row.partition('"')[0] for row in rows if f"<strong>{name}" in row)


def invite(danas: Browser, email: str) -> str:
    """Invite an address as a nurse and return the code of the link."""
    danas.open("/app/staff/invite")
    shown = danas.send("/app/staff/invite", email=email, role="nurse").get_data(as_text=True)
    found = re.search(r"<code>[^#<]+#([A-Za-z0-9_-]+)</code>", shown)
    assert found, shown
    return found.group(1)


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill", "charlie"])
def test_the_pages_of_administration_are_the_administrators(
    app: Flask, people: Cast, name: str
) -> None:
    theirs = Browser(app)
    theirs.sign_in(getattr(people, name))
    for path in PAGES:
        assert theirs.open(path).status_code == 403, path
    settings = text_of(theirs, "/app/settings")
    assert not any(f'href="{path}"' in settings for path in PAGES)


def test_an_administrator_changes_suspends_and_removes(
    danas: Browser, app: Flask, people: Cast
) -> None:
    bobs = Browser(app)
    bobs.sign_in(people.bob)
    assert bobs.open("/app/today").status_code == 200
    page = member(danas, "Bob")
    danas.send(page, role="billing")
    assert "Billing" in text_of(danas, "/app/staff")
    assert bobs.open("/app/today").status_code == 303
    danas.send(f"{page}/suspend")
    assert "Suspended" in text_of(danas, page)
    assert bobs.sign_in(people.bob).status_code == 401
    danas.send(f"{page}/reinstate")
    assert bobs.sign_in(people.bob).status_code == 303
    danas.open(f"{page}/remove")
    danas.send(f"{page}/remove")
    assert "Bob" not in text_of(danas, "/app/staff")
    assert danas.open(page).status_code == 404


def test_an_administrator_takes_the_second_step_of_a_colleague_who_lost_it(
    danas: Browser, app: Flask, database: Database, people: Cast
) -> None:
    enrol(app, people.bob)
    page = member(danas, "Bob")
    assert "Bob lost their second step" in text_of(danas, page)
    assert danas.send(f"{page}/second-step").location == page
    assert "Their second step is taken away" in text_of(danas, page)
    with database.reading() as session:
        assert not factors.needs_second_factor(session, people.bob.user_id)
    own = member(danas, "Dana")
    assert "second step" not in text_of(danas, own)
    assert danas.send(f"{own}/second-step").status_code == 403


def test_the_last_administrator_is_told_why_nothing_happened(danas: Browser) -> None:
    page = member(danas, "Dana")
    for path, fields in (
        (page, {"role": "nurse"}),
        (f"{page}/suspend", {}),
        (f"{page}/remove", {}),
    ):
        response = danas.send(path, **fields)
        assert response.status_code == 409
        assert "last administrator" in response.get_data(as_text=True)
    assert text_of(danas, "/app/staff")


def test_a_newcomer_takes_up_an_invitation(danas: Browser, app: Flask, database: Database) -> None:
    code = invite(danas, "nora@example.org")
    noras = Browser(app)
    noras.open("/app/invitations/staff")
    opened = noras.send("/app/invitations/staff/open", code=code).get_data(as_text=True)
    assert "Work at Riverside" in opened
    assert "nora@example.org" in opened
    short = noras.send("/app/invitations/staff", code=code, **NEW | {"password": "short"})
    assert short.status_code == 422
    assert "Nora" in short.get_data(as_text=True)
    assert ">short<" not in short.get_data(as_text=True)
    done = noras.send("/app/invitations/staff", code=code, **NEW)
    assert (done.status_code, done.location) == (303, "/app/today")
    settings = noras.open("/app/settings")
    assert (settings.status_code, settings.location) == (303, "/app/settings/second-factor")
    with database.reading() as session:
        assert session.scalars(
            select(Membership.role).order_by(Membership.id.desc())
        ).first() is Role.NURSE  # fmt: skip
    again = Browser(app)
    again.open("/app/invitations/staff")
    spent = again.send("/app/invitations/staff", code=code, **NEW)
    assert spent.status_code == 404
    assert "too old" in spent.get_data(as_text=True)


def test_somebody_with_an_account_signs_in_and_accepts_and_switches_back(
    danas: Browser, app: Flask, people: Cast
) -> None:
    code = invite(danas, people.charlie.email)
    charlies = Browser(app)
    charlies.open("/app/invitations/staff")
    opened = charlies.send("/app/invitations/staff/open", code=code).get_data(as_text=True)
    assert 'href="/login?next=/app/invitations/staff"' in opened
    refused = charlies.send("/app/invitations/staff", code=code, **NEW)
    assert refused.status_code == 409
    charlies.sign_in(people.charlie)
    charlies.open("/app/invitations/staff")
    assert "added to your account" in charlies.send(
        "/app/invitations/staff/open", code=code
    ).get_data(as_text=True)
    charlies.open("/app/settings")
    assert charlies.send("/app/invitations/staff", code=code).status_code == 303
    settings = text_of(charlies, "/app/settings")
    assert "nurse at Riverside" in settings
    assert 'id="settings-hospitals"' in settings
    header = settings.partition("</header>")[0]
    assert "Riverside" in header
    home = str(people.charlie.actor.tenant_id)
    assert charlies.send("/app/hospital", hospital_id=home).location == "/app/today"
    assert "doctor at Hillside" in text_of(charlies, "/app/settings")
    nowhere = "0198c0de-0000-7000-8000-000000000000"
    assert charlies.send("/app/hospital", hospital_id=nowhere).status_code == 404
    assert charlies.send("/app/hospital", hospital_id="x").status_code == 422


def test_a_stranger_cannot_take_up_somebody_elses_invitation(
    danas: Browser, app: Flask, people: Cast
) -> None:
    code = invite(danas, "nora@example.org")
    bobs = Browser(app)
    bobs.sign_in(people.bob)
    bobs.open("/app/settings")
    bobs.open("/app/invitations/staff")
    refused = bobs.send("/app/invitations/staff", code=code)
    assert refused.status_code == 409
    assert "another address" in refused.get_data(as_text=True)
    assert "doctor" in text_of(bobs, "/app/settings")


@pytest.mark.parametrize("code", ["", "x", "A" * 48, "A" * 5_000, "é" * 40])
def test_a_code_that_was_made_up_opens_nothing(app: Flask, code: str) -> None:
    somebody = Browser(app)
    somebody.open("/app/invitations/staff")
    for path in ("/app/invitations/staff/open", "/app/invitations/staff"):
        response = somebody.send(path, code=code, **NEW)
        assert response.status_code == 404
        assert code == "" or code * 2 not in response.get_data(as_text=True)


def test_roles_and_wards_are_changed_by_forms(danas: Browser) -> None:
    danas.send("/app/roles/nurse", permission="medication:read", granted="false")
    assert text_of(danas, "/app/roles").count("Give back<") == 1
    refused = danas.send("/app/roles/administrator", permission="staff:manage", granted="false")
    assert refused.status_code == 409
    assert danas.send("/app/roles/king", permission="chat:use", granted="true").status_code == 404
    danas.send("/app/wards", name="Ward A")
    twice = danas.send("/app/wards", name="ward a")
    assert twice.status_code == 409
    ward = re.search(r'href="(/app/wards/[0-9a-f-]+)"', text_of(danas, "/app/wards"))
    assert ward
    danas.send(ward.group(1), name="Ward C")
    assert "Ward C" in text_of(danas, "/app/wards")
    danas.send(f"{ward.group(1)}/close")
    assert "Closed wards (1)" in text_of(danas, "/app/wards")
    danas.send(f"{ward.group(1)}/open")
    assert "Closed wards" not in text_of(danas, "/app/wards")


def test_the_made_up_record_has_a_value_in_every_field() -> None:
    assert {name: set(sample) for name, sample in SAMPLES.items()} == {
        name: set(fields) for name, fields in POLICY.items()
    }


def test_the_preview_shows_what_each_role_sees(danas: Browser) -> None:
    national, insured = (SAMPLES["patient"][one] for one in ("national_id", "insurance_number"))
    clinical = str(SAMPLES["medication"]["name"])
    expected = {
        "doctor": (False, True, True),
        "nurse": (False, False, True),
        "billing": (True, True, False),
        "administrator": (False, False, False),
        "caregiver": (False, False, True),
        "patient": (True, True, True),
    }
    for role, seen in expected.items():
        text = text_of(danas, f"/app/redaction?role={role}")
        assert tuple(str(one) in text for one in (national, insured, clinical)) == seen, role
        assert (MASK in text) == (role in {"doctor", "nurse"})
    assert 'aria-current="page">Nurse' in text_of(danas, "/app/redaction?role=king")
