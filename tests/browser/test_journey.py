"""One patient's day in a real browser, from sign-up to sign-out for good."""

import re
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ACCESS_TOKEN_SECONDS, Product

pytestmark = pytest.mark.browser

ZONE = ZoneInfo("Europe/Berlin")
EMAIL = "journey@example.org"
PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up


def test_a_patients_day_from_sign_up_to_sign_out(page: Page, product: Product) -> None:
    _sign_up(page, product)
    _sign_out_and_in_again(page)
    _stay_signed_in_over_an_expired_access_token(page)
    _add_a_medicine_with_two_times(page)
    _be_reminded(page, product)
    _mark_it_taken_and_see_it_in_the_history(page)
    _ask_the_assistant(page)
    _be_told_to_call_for_help(page)
    _sign_out_for_good(page)


def _sign_up(page: Page, product: Product) -> None:
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    expect(page.get_by_label("Your time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("What may we call you?").fill("Jo")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Jo")
    expect(page.get_by_role("link", name="Add your first medicine")).to_be_visible()
    _, mail = product.inbox.wait(seconds=15, to=EMAIL)
    assert mail["Subject"] == "Confirm your e-mail address"


def _sign_out_and_in_again(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.goto("/app/history")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The e-mail address or the password is wrong.")).to_be_visible()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/app/history$"))


def _stay_signed_in_over_an_expired_access_token(page: Page) -> None:
    before = _cookie(page, "__Host-refresh")
    page.wait_for_timeout((ACCESS_TOKEN_SECONDS + 1) * 1000)
    page.goto("/app/today")
    expect(page).to_have_url(re.compile(r"/app/today$"))
    assert _cookie(page, "__Host-refresh") != before


def _add_a_medicine_with_two_times(page: Page) -> None:
    page.get_by_role("link", name="Add your first medicine").click()
    page.get_by_label("Name and strength").fill("amlodipine 5 mg")
    page.get_by_label("Time 1").fill("08:00")
    page.get_by_role("button", name="Add another time").click()
    page.get_by_label("Time 2").fill("20:00")
    page.get_by_role("button", name="Add to my list").click()
    expect(page.get_by_text("08:00 and 20:00").first).to_be_visible()
    # What is already past today is not planned any more, so the times seen depend on the hour.
    page.goto("/app/today")
    expect(page.get_by_text("amlodipine 5 mg").first).to_be_visible()


def _be_reminded(page: Page, product: Product) -> None:
    now = datetime.now(ZONE)
    if now.second > 40:  # so that the minute does not end while the form is filled in
        time.sleep(61 - now.second)
        now = datetime.now(ZONE)
    page.goto("/app/medications/new")
    page.get_by_label("Name and strength").fill("metformin 500 mg")
    page.get_by_label("Time 1").fill(now.strftime("%H:%M"))
    page.get_by_role("button", name="Add to my list").click()
    added_at = time.time()
    page.goto("/app/today")
    came_at, mail = product.inbox.wait(seconds=5, to=EMAIL)
    assert came_at - added_at < 5
    assert "metformin" not in mail.as_string()
    expect(page.locator("[data-reminder]")).to_have_text("metformin 500 mg", timeout=15_000)


def _mark_it_taken_and_see_it_in_the_history(page: Page) -> None:
    page.locator("#reminders").get_by_role("button", name="Taken").click()
    expect(page.locator("[data-reminder]")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    row = page.get_by_role("listitem").filter(has_text="metformin 500 mg")
    expect(row.get_by_text("Taken")).to_be_visible()


def _ask_the_assistant(page: Page) -> None:
    page.get_by_role("link", name="Ask", exact=True).click()
    _ask(page, "when is my next dose?", expected="amlodipine 5 mg")
    _ask(page, "what am I taking?", expected="metformin 500 mg")
    answer = _ask(page, "did I take my metformin today?", expected="marked as taken")
    answer.get_by_text("How this answer came about").click()
    expect(answer.get_by_text("Looked at the planned and past doses")).to_be_visible()
    answer.get_by_role("link", name=re.compile("metformin 500 mg")).first.click()
    expect(page).to_have_url(re.compile(r"/app/doses/"))
    expect(page.get_by_text("Taken").first).to_be_visible()


def _be_told_to_call_for_help(page: Page) -> None:
    page.goto("/app/chat")
    answer = _ask(
        page,
        "I have crushing chest pain going into my left arm",
        expected="could be a heart attack",
    )
    expect(answer.get_by_text("This may be an emergency")).to_be_visible()
    expect(answer.get_by_role("link", name=re.compile("Call"))).to_have_attribute(
        "href", re.compile(r"^tel:\d+$")
    )


def _sign_out_for_good(page: Page) -> None:
    cookies = page.context.cookies()
    page.get_by_role("button", name="Sign out").click()
    page.context.add_cookies([dict(cookie) for cookie in cookies])  # type: ignore[misc]  # a thief's copy
    page.goto("/app/today")
    expect(page).to_have_url(re.compile(r"/login"))


def _ask(page: Page, question: str, *, expected: str) -> Locator:
    """Ask and return the answer's element."""
    answers = page.locator(".message-assistant")
    count = answers.count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    expect(answers).to_have_count(count + 1)
    answer = answers.last
    expect(answer).not_to_have_attribute("aria-busy", "true")
    expect(answer).to_contain_text(expected)
    return answer


def _cookie(page: Page, name: str) -> str:
    return next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == name)
