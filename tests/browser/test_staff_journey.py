"""A doctor's patients in a real browser, and an emergency that the patient reads of."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import DEMO_PASSWORD

pytestmark = pytest.mark.browser


def test_a_doctor_finds_a_patient_and_opens_another_in_an_emergency(page: Page) -> None:
    _sign_in(page, "bob")
    _find_and_open_alice(page)
    _break_the_glass_for_erin(page)
    _close_it_again(page)
    page.get_by_role("button", name="Sign out").click()
    _erin_reads_of_it(page)
    page.get_by_role("button", name="Sign out").click()
    _dana_reviews_it(page)


def _sign_in(page: Page, who: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(f"{who}@example.org")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))


def _find_and_open_alice(page: Page) -> None:
    page.get_by_label("Find a patient").fill("ash")
    page.get_by_label("Find a patient").press("Enter")
    expect(page).to_have_url(re.compile(r"/app/patients$"))
    page.get_by_role("link", name=re.compile("Alice Ashdown")).click()
    expect(page).to_have_title(re.compile("^NUGWI "))
    expect(page.get_by_text("You look after this patient.")).to_be_visible()
    expect(page.get_by_text("14 March 1957")).to_be_visible()
    expect(page.get_by_text("QQ 12 34 56 C")).to_have_count(0)
    page.get_by_role("link", name=re.compile("Amlodipine 5 mg")).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Amlodipine 5 mg")


def _break_the_glass_for_erin(page: Page) -> None:
    page.goto("/app/patients")
    page.get_by_label("Name or code").fill("toval")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No patient of yours was found")).to_be_visible()
    page.get_by_role("link", name="Open TOVAL in an emergency").click()
    expect(page.get_by_text("The patient is told at once")).to_be_visible()
    page.get_by_label("Why do you need to see it?").fill("Unconscious in the waiting room.")
    page.get_by_role("button", name="Open the record").click()
    expect(page).to_have_title(re.compile("^TOVAL "))
    expect(page.get_by_role("status")).to_contain_text("Open in an emergency until")
    expect(page.get_by_text("Metformin 500 mg").first).to_be_visible()
    assert Axe().run(page).violations_count == 0


def _close_it_again(page: Page) -> None:
    page.get_by_role("button", name="Close it now").click()
    expect(page.get_by_text("The record is closed again.")).to_be_visible()
    page.goto("/app/patients/TOVAL")
    expect(page.get_by_role("heading", level=1)).to_have_text("TOVAL is not open to you")


def _erin_reads_of_it(page: Page) -> None:
    _sign_in(page, "erin")
    page.goto("/app/notices")
    expect(page.get_by_text("Your record was opened in an emergency")).to_be_visible()
    expect(page.get_by_text("It was Bob, until")).to_be_visible()
    page.get_by_role("link", name=re.compile("Your record was opened")).click()
    expect(page.get_by_role("heading", name="Opened in an emergency")).to_be_visible()
    assert Axe().run(page).violations_count == 0


def _dana_reviews_it(page: Page) -> None:
    _sign_in(page, "dana")
    page.get_by_role("link", name=re.compile("Opened in emergencies")).click()
    expect(page.get_by_text("Unconscious in the waiting room.")).to_be_visible()
    page.get_by_role("button", name=re.compile("Mark as reviewed")).first.click()
    expect(page.get_by_text("Reviewed by Dana")).to_be_visible()
    assert Axe().run(page).violations_count == 0
