"""Sessions and access tokens in real browsers, and the note before an unused session ends."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DEMO_PASSWORD, Product, running_product
from tests.support.processes import free_port

pytestmark = pytest.mark.browser

IDLE_SECONDS = 60
TOKEN = re.compile(r"mai_pat_[0-9a-f]{72}")


def sign_in(page: Page, who: str) -> None:
    """Sign in by the form that the page shows, or by the sign-in page."""
    if "/login" not in page.url:
        page.goto("/login")
    page.get_by_label("E-mail address").fill(f"{who}@example.org")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out", exact=True).first).to_be_visible()


@pytest.fixture
def other(chromium: Browser, product: Product) -> Iterator[Page]:
    """A page in a second browser, on another kind of device."""
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
    context = chromium.new_context(base_url=product.address, user_agent=agent)
    yield context.new_page()
    context.close()


@pytest.fixture
def staff_page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page of a product in which sessions of staff end after a minute without use."""
    settings = {"STAFF_SESSION_IDLE_SECONDS": str(IDLE_SECONDS), "ACCESS_TOKEN_SECONDS": "900"}
    with running_product(tmp_path, free_port(), **settings) as product:
        context = chromium.new_context(
            base_url=product.address, viewport={"width": 390, "height": 844}
        )
        yield context.new_page()
        context.close()


def test_a_session_that_is_revoked_elsewhere_is_signed_out_there(page: Page, other: Page) -> None:
    sign_in(other, "alice")
    other.goto("/app/history")
    sign_in(page, "alice")
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Where you are signed in").click()
    row = page.get_by_role("listitem").filter(has_text="Firefox on Windows")
    row.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("That session is signed out.")).to_be_visible()
    expect(page.get_by_text("Firefox on Windows")).to_have_count(0)
    other.reload()
    expect(other).to_have_url(re.compile(r"/login\?next=/app/history$"))
    sign_in(other, "alice")
    expect(other).to_have_url(re.compile(r"/app/history$"))


def test_a_token_is_made_shown_once_used_and_revoked(page: Page, product: Product) -> None:
    sign_in(page, "alice")
    page.goto("/app/settings/tokens")
    page.get_by_role("link", name="Make a token").click()
    expect(page.get_by_label("See medicines and doses")).to_be_checked()
    expect(page.get_by_label("Add, change and stop medicines")).not_to_be_checked()
    page.get_by_label("What is it for?").fill("my reading script")
    page.get_by_role("button", name="Make the token").click()
    token = page.get_by_label("my reading script").input_value()
    assert TOKEN.fullmatch(token)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the token").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == token

    bearer = {"Authorization": f"Bearer {token}"}

    def ask(method: str, path: str) -> int:
        url = product.address + path
        return requests.request(method, url, headers=bearer, timeout=10).status_code

    assert ask("GET", "/medications") == 200
    assert ask("DELETE", "/auth/sessions") == 403
    page.get_by_role("link", name="I have copied it").click()
    row = page.get_by_role("listitem").filter(has_text="my reading script")
    expect(row).to_contain_text("from 127.0.0.1")
    assert token not in page.content()
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert ask("GET", "/medications") == 401


def test_without_scripts_the_token_is_copied_by_hand(chromium: Browser, product: Product) -> None:
    context = chromium.new_context(base_url=product.address, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "alice")
    page.goto("/app/settings/tokens/new")
    page.get_by_label("What is it for?").fill("by hand")
    page.get_by_role("button", name="Make the token").click()
    field = page.get_by_label("by hand")
    expect(field).not_to_be_editable()
    assert TOKEN.fullmatch(field.input_value())
    expect(page.get_by_role("button", name="Copy the token")).to_be_hidden()
    context.close()


@pytest.mark.timeout(240)
def test_staff_are_warned_stay_by_one_press_and_come_back_to_where_they_were(
    staff_page: Page,
) -> None:
    page = staff_page
    sign_in(page, "bob")
    page.goto("/app/settings/tokens")
    signed_in_at = time.monotonic()
    note = page.locator("#session-ends")
    expect(note).to_have_count(0)

    expect(note).to_be_visible(timeout=IDLE_SECONDS * 1000)
    assert time.monotonic() - signed_in_at <= IDLE_SECONDS - 20  # WCAG 2.2.1
    expect(note).to_contain_text("You will be signed out at")
    assert Axe().run(page).violations_count == 0
    width = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1]
    note.get_by_role("button", name="Stay signed in").press("Enter")
    expect(note).to_have_count(0)
    stayed_at = time.monotonic()
    while time.monotonic() - signed_in_at < IDLE_SECONDS + 5:
        page.wait_for_timeout(500)
    assert page.url.endswith("/app/settings/tokens")

    expect(page).to_have_url(re.compile(r"/login\?next="), timeout=2 * IDLE_SECONDS * 1000)
    assert time.monotonic() - stayed_at >= IDLE_SECONDS - 2
    sign_in(page, "bob")
    expect(page).to_have_url(re.compile(r"/app/settings/tokens$"))
