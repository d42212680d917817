"""Every page as people meet it: accessible, and never wider than the screen."""

import re
import secrets
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from medical_ai.auth import otp
from medical_ai.core import clock
from tests.browser.conftest import DEMO_PASSWORD, Product

pytestmark = pytest.mark.browser

PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up

SCREENS = {
    "desktop-light": (1280, 900, "light"),
    "desktop-dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
    "narrow-dark": (320, 700, "dark"),
}
ALICES_PAGES = [
    "/app/today",
    "/app/medications",
    "/app/medications/new",
    "/app/history",
    "/app/chat",
    "/app/settings",
    "/app/settings/password",
    "/app/settings/email",
    "/app/settings/profile",
    "/app/confirm-email",
    "/app/settings/second-factor",
    "/app/settings/passkeys",
    "/app/settings/proof",
    "/app/settings/sessions",
    "/app/settings/tokens",
    "/app/settings/tokens/new",
    "/app/caregivers",
    "/app/people",
    "/app/people/new",
    "/app/invitations/caregiver",
    "/app/invitations/record",
    "/app/settings/export",
    "/app/settings/delete",
    "/app/deletion-receipts/AAAA-AAAA-AAAA-AAAA",
    "/app/settings/details",
    "/app/care-team",
    "/app/notices",
    "/app/access-log",
    "/app/access-log?who=everybody",
    "/docs",
    "/no/such/page",
]
BOBS_PAGES = [
    "/app/patients",
    "/app/patients/NUGWI",
    "/app/patients/NUGWI/care-team",
    "/app/patients/BADOM",
    "/app/patients/BADOM/break-glass",
]
AUDIT_PAGES = ["/app/audit", "/app/audit?patient=x", "/app/audit?outcome=alarm"]
DANAS_PAGES = [
    "/app/settings",
    "/app/staff",
    "/app/staff/invite",
    "/app/roles",
    "/app/wards",
    "/app/redaction",
    "/app/today",
    "/app/patients",
    "/app/patients/new",
    "/app/patients/NUGWI",
    "/app/patients/NUGWI/care-team",
    "/app/break-glass",
]
PUBLIC_PAGES = [
    "/",
    "/login",
    "/signup",
    "/app/forgot-password",
    "/app/reset-password",
    "/app/verify-email",
    "/app/invitations/staff",
]


@pytest.fixture(params=SCREENS)
def open_as(
    request: pytest.FixtureRequest, chromium: Browser, product: Product
) -> Callable[[str | None], Page]:
    """Open a page on one screen, signed in as somebody or as nobody."""
    width, height, scheme = SCREENS[request.param]

    def opened(who: str | None) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            base_url=product.address,
            reduced_motion="reduce",
        )
        request.addfinalizer(context.close)
        page = context.new_page()
        if who is not None:
            _sign_in(page, f"{who}@example.org", DEMO_PASSWORD)
            expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    return opened


def test_pages_of_nobody_are_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as(None)
    for path in PUBLIC_PAGES:
        page.goto(path)
        is_good(page, path)


def test_pages_of_a_patient_are_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as("alice")
    for path in ALICES_PAGES:
        page.goto(path)
        is_good(page, path)
    page.goto("/app/medications")
    page.locator("main a[href*='/app/medications/0']").first.click()
    is_good(page, "a medicine")
    page.goto("/app/history")
    page.locator("a[href*='/app/doses/']").first.click()
    is_good(page, "a dose")


def test_forms_with_mistakes_are_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as("alice")
    page.goto("/app/medications/new")
    page.locator("main form").first.evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Add to my list").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(page, "a form with mistakes")


def test_pages_of_a_person_one_decides_for_are_accessible(
    open_as: Callable[[str | None], Page],
) -> None:
    page = open_as("alice")
    page.goto("/app/people/new")
    page.get_by_role("button", name="Open the record").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(page, "a dependant's form with mistakes")
    page.get_by_label("What do you call them?").fill("Emma")
    page.get_by_label("A child of mine").check()
    page.get_by_label("Date of birth").fill("2020-03-05")
    page.get_by_label("Last day").fill("2030-01-01")
    page.get_by_role("button", name="Open the record").click()
    person = page.url
    page.get_by_role("link", name="Add a medicine").click()
    is_good(page, "a dependant's medicine")
    page.get_by_label("Name and strength").fill("Ibuprofen 200 mg")
    page.get_by_label("Time 1").fill("00:00")
    page.get_by_role("button", name="Add to the list").click()
    expect(page.get_by_text("Ibuprofen 200 mg").first).to_be_visible()
    page.locator("summary").first.click()
    is_good(page, "a dependant")
    page.goto(f"{person}/history")
    is_good(page, "a dependant's history")


def test_an_emergency_answer_is_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as("alice")
    page.goto("/app/chat")
    page.get_by_label("Your question").fill("my dad's face droops and he cannot speak")
    page.get_by_label("Your question").press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".message-assistant")).not_to_have_attribute("aria-busy", "true")
    is_good(page, "an emergency")


def test_pages_of_staff_are_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as("bob")
    for path in ("/app/today", "/app/chat", "/app/settings/tokens/new", *BOBS_PAGES):
        page.goto(path)
        is_good(page, path)
    page.get_by_role("button", name="Open the record").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(page, "an emergency without a reason")


def test_pages_of_administrators_are_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as("dana")
    for path in [*DANAS_PAGES, *AUDIT_PAGES]:
        page.goto(path)
        is_good(page, path)
    page.goto("/app/redaction?role=billing")
    page.get_by_text("Every role's view of patient").click()
    is_good(page, "a role's view")
    page.goto("/app/wards")
    page.get_by_role("link", name="Ward B").click()
    is_good(page, "a ward")
    page.goto("/app/staff")
    page.get_by_role("link", name="Nina").click()
    is_good(page, "a member of staff")
    page.get_by_role("link", name="Take off the staff list").click()
    is_good(page, "the question before removing")
    page.goto("/app/staff/invite")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#error-summary")).to_be_visible()
    is_good(page, "an invitation with mistakes")


def test_the_way_through_a_second_step_is_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as(None)
    email = _sign_up(page)
    page.goto("/app/settings/second-factor")
    page.get_by_role("button", name="Set up an app").click()
    is_good(page, "the QR picture")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Code").fill("1")
    page.get_by_role("button", name="Confirm").click()
    is_good(page, "the QR picture after a mistake")
    page.get_by_label("Code").fill(otp.code_at(secret, otp.step_of(clock.now())))
    page.get_by_role("button", name="Confirm").click()
    is_good(page, "the recovery codes")
    page.get_by_role("link", name="I have kept them").click()
    is_good(page, "a second step that is set up")
    page.goto("/app/settings/tokens/new")
    page.get_by_label("What is it for?").fill("Kitchen tablet")
    page.locator("input[name=scopes]").first.check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.locator("#token")).to_be_visible()
    is_good(page, "a token shown once")
    page.goto("/app/settings/tokens")
    is_good(page, "the list of tokens")
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, email, PASSWORD)
    is_good(page, "the second step")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(page, "the second step after a mistake")


def test_leaving_is_accessible(open_as: Callable[[str | None], Page]) -> None:
    page = open_as(None)
    _sign_up(page)
    page.goto("/app/settings/export")
    page.get_by_role("button", name="Download the file").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(page, "an export without a password")
    page.goto("/app/settings/delete")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Yes, delete my account").check()
    page.get_by_role("button", name="Delete in").click()
    expect(page.get_by_role("heading", name="Your account will be deleted")).to_be_visible()
    is_good(page, "a deletion under way")
    page.goto("/app/today")
    is_good(page, "a day before the deletion")


def test_invitations_are_accessible_in_every_state(
    open_as: Callable[[str | None], Page], product: Product
) -> None:
    page = open_as("dana")
    page.goto("/app/staff/invite")
    invited = f"{secrets.token_hex(6)}@example.org"
    page.get_by_label("Their e-mail address").fill(invited)
    page.get_by_label("Doctor").check()
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_text("on its way")).to_be_visible()
    is_good(page, "the staff with an invitation")
    stranger, asked = open_as(None), product.inbox.link("/app/invitations/", to=invited)
    stranger.goto(asked)
    stranger.get_by_role("button", name="Continue").click()
    is_good(stranger, "an invitation to a newcomer")
    stranger.get_by_role("button", name="Create the account and accept").click()
    expect(stranger.locator("[aria-invalid=true]").first).to_be_visible()
    is_good(stranger, "an invitation after a mistake")
    page.goto(asked)
    page.get_by_role("button", name="Continue").click()
    is_good(page, "an invitation to whoever is signed in")

    page = open_as("alice")
    page.goto("/app/caregivers")
    page.get_by_role("button", name="Invite them").click()
    is_good(page, "a consent with mistakes")
    page.get_by_label("Their e-mail address").fill(invited)
    page.get_by_label("See the medicines").check()
    page.get_by_role("button", name="Invite them").click()
    page.get_by_role("link", name=invited).click()
    is_good(page, "a consent that waits")
    stranger.goto(product.inbox.link("/app/invitations/", to=invited))
    stranger.get_by_role("button", name="Look at the invitation").click()
    is_good(stranger, "a caregiver's invitation to a stranger")
    stranger.get_by_role("button", name="No", exact=True).click()
    is_good(stranger, "a declined invitation")


def _sign_up(page: Page) -> str:
    email = f"{secrets.token_hex(6)}@example.org"
    page.goto("/signup")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))
    return email


def _sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_the_keyboard_reaches_every_control(page: Page) -> None:
    page.goto("/signup")
    controls = page.locator("a[href], button, input:not([type=hidden]), select, summary")
    expected = controls.evaluate_all(
        "all => all.filter(one => one.offsetParent !== null || one.matches('.skip-link')).length"
    )
    reached = set()
    for _ in range(expected + 3):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => [...document.querySelectorAll('*')].indexOf(document.activeElement)"
            )
        )
    assert len(reached - {-1, 0, 1, 2}) >= expected


def is_good(page: Page, what: str) -> None:
    """Check that a page has one heading, fits the screen, and is accessible."""
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    width = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert width[0] <= width[1], f"{what} is wider than the screen"
    results = Axe().run(page)
    assert results.violations_count == 0, f"{what}: {results.generate_report()}"
