"""Second factors in a real browser: an app by its picture's text, and a passkey of its own.

At localhost, since a passkey needs a name. Chromium lends a virtual authenticator over CDP.
"""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from medical_ai.auth import otp
from medical_ai.core import clock
from tests.browser.conftest import Product, listen

pytestmark = pytest.mark.browser

PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up


@pytest.fixture
def page(chromium: Browser, product: Product, complaints: list[str]) -> Iterator[Page]:
    """A phone-sized page at localhost."""
    context = chromium.new_context(
        viewport={"width": 390, "height": 844},
        timezone_id="Europe/Berlin",
        base_url=product.address.replace("127.0.0.1", "localhost"),
    )
    opened = context.new_page()
    opened.on("console", lambda said: listen(complaints, said.type, said.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def devtools(page: Page) -> CDPSession:
    """Chromium's own tools, with a virtual authenticator that says yes to everything."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return tools


def test_a_passkey_signs_in_alone_and_after_the_password(page: Page, devtools: CDPSession) -> None:
    _sign_up(page, "passkey@example.org")
    page.goto("/app/settings")
    page.get_by_role("link", name="Second step").click()
    page.get_by_role("link", name="Set up a passkey").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.locator(".codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()

    _sign_out(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))

    _sign_out(page)
    page.goto("/app/settings/passkeys")
    _enter_password(page, "passkey@example.org")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r"/app/settings/passkeys$"))
    expect(page.get_by_text("Last used on")).to_be_visible()
    page.get_by_role("button", name="Remove My laptop").click()
    expect(page.get_by_text("The passkey is removed.")).to_be_visible()
    expect(page.get_by_role("button", name="Remove My laptop")).to_have_count(0)


def test_giving_up_on_a_passkey_is_said_calmly(page: Page, devtools: CDPSession) -> None:
    page.goto("/login")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was done.")).to_be_visible(
        timeout=10_000
    )
    expect(page).to_have_url(re.compile(r"/login$"))


def test_an_app_is_set_up_by_its_text_and_asked_for_at_sign_in(page: Page) -> None:
    _sign_up(page, "totp@example.org")
    page.goto("/app/settings/second-factor")
    page.get_by_role("button", name="Set up an app").click()
    secret = page.locator(".secret").inner_text()
    expect(page.get_by_role("img", name=secret)).to_be_visible()
    secret = secret.replace(" ", "")
    page.get_by_label("Code").fill(_code(secret, steps=-1))
    page.get_by_role("button", name="Confirm").click()
    kept = page.locator(".codes li").first.inner_text()
    page.goto("/app/settings/second-factor")
    expect(page.get_by_text("10 of 10 are left.")).to_be_visible()

    _sign_out(page)
    _enter_password(page, "totp@example.org")
    page.get_by_label("Code").fill("123")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert").first).to_contain_text("Enter the six figures")
    page.get_by_label("Code").fill(_code(secret))
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))

    _sign_out(page)
    _enter_password(page, "totp@example.org")
    page.get_by_label("Code").fill(kept)
    page.get_by_role("button", name="Go on").click()
    page.goto("/app/settings/second-factor")
    expect(page.get_by_text("9 of 10 are left.")).to_be_visible()


def _sign_up(page: Page, email: str) -> None:
    page.goto("/signup")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))


def _sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile(r"/login$"))


def _enter_password(page: Page, email: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _code(secret: str, *, steps: int = 0) -> str:
    # A code that is typed in the last moments of its step would be one step older on arrival.
    while clock.now().timestamp() % otp.PERIOD_SECONDS > otp.PERIOD_SECONDS - 8:
        time.sleep(0.5)
    return otp.code_at(secret, otp.step_of(clock.now()) + steps)
