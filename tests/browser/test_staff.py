"""Inviting staff, taking up invitations, switching hospitals, and being shut out, in Chromium."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DEMO_PASSWORD, Product

pytestmark = pytest.mark.browser

PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up
NORA = "nora@example.org"
CHARLIE = "charlie@example.org"


@pytest.fixture
def tab(request: pytest.FixtureRequest, chromium: Browser, product: Product) -> Callable[..., Page]:
    """Open a tab in a browser of its own."""

    def opened(width: int = 390) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 844},
            timezone_id="Europe/Berlin",
            base_url=product.address,
        )
        request.addfinalizer(context.close)
        return context.new_page()

    return opened


def test_a_nurse_is_invited_works_and_is_shut_out(
    tab: Callable[..., Page], product: Product
) -> None:
    danas, noras = tab(1280), tab()
    _sign_in(danas, "dana@example.org")
    _invite(danas, NORA, "Nurse", ward="Ward A")
    noras.goto(product.inbox.link("/app/invitations/staff#", to=NORA))
    expect(noras).to_have_url(re.compile(r"/app/invitations/staff$"))  # the secret left the address
    noras.get_by_role("button", name="Continue").click()
    expect(noras.get_by_role("heading", level=1)).to_have_text("Work at Riverside Hospital")
    expect(noras.get_by_label("Your time zone")).to_have_value("Europe/Berlin")
    noras.get_by_label("Your name").fill("Nora")
    noras.get_by_label("Password").fill(PASSWORD)
    noras.get_by_role("button", name="Create the account and accept").click()
    expect(noras.get_by_text("You are here as nurse.")).to_be_visible()

    danas.goto("/app/staff")
    danas.get_by_role("link", name="Nora").click()
    expect(danas.get_by_label("Ward A")).to_be_checked()
    danas.get_by_role("button", name="Suspend").click()
    expect(danas.get_by_text("Suspended", exact=True)).to_be_visible()
    noras.goto("/app/today")
    expect(noras).to_have_url(re.compile(r"/login\?next="))


def test_a_doctor_works_in_two_hospitals_and_switches(
    tab: Callable[..., Page], product: Product
) -> None:
    danas, charlies = tab(1280), tab(320)
    _sign_in(danas, "dana@example.org")
    _invite(danas, CHARLIE, "Doctor")
    charlies.goto(product.inbox.link("/app/invitations/staff#", to=CHARLIE))
    charlies.get_by_role("button", name="Continue").click()
    charlies.get_by_role("main").get_by_role("link", name="Sign in").click()
    charlies.get_by_label("E-mail address").fill(CHARLIE)
    charlies.get_by_label("Password").fill(DEMO_PASSWORD)
    charlies.get_by_role("button", name="Sign in").click()
    charlies.get_by_role("button", name="Continue").click()  # the tab kept the code meanwhile
    charlies.get_by_role("button", name="Accept").click()
    expect(charlies.get_by_text("You are here as doctor.")).to_be_visible()
    width = charlies.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]

    charlies.get_by_role("link", name="Hospital: Riverside Hospital").click()
    expect(charlies.get_by_text("You are here", exact=True)).to_be_visible()
    assert Axe().run(charlies).violations_count == 0
    charlies.get_by_role("button", name=re.compile("Go there.*Hillside")).click()
    expect(charlies.get_by_text("You are at Hillside Hospital now")).to_be_visible()
    expect(charlies.get_by_role("link", name="Hospital: Hillside Hospital")).to_be_visible()


def _sign_in(page: Page, email: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def _invite(page: Page, email: str, role: str, ward: str = "") -> None:
    page.goto("/app/staff/invite")
    page.get_by_label("Their e-mail address").fill(email)
    page.get_by_role("radio", name=role).check()
    if ward:
        page.get_by_label(ward).check()
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("The invitation is on its way")).to_be_visible()
    expect(page.get_by_role("main").get_by_text(email, exact=True)).to_be_visible()
