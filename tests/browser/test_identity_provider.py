"""Signing in with an identity provider, in a real browser through both servers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import DEMO_PASSWORD, Product, listen, running_product
from tests.browser.test_pages import SCREENS, is_good
from tests.support.processes import free_port
from tests.support.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    SECRET,
    IdentityProvider,
    identity_provider,
)

pytestmark = pytest.mark.browser

BUTTON = "Sign in with City Login"
OURS = {"__Host-access", "__Host-refresh", "__Host-session"}


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Product, IdentityProvider]]:
    """The product and its identity provider, on one host at two ports."""
    port = free_port()
    folder = tmp_path_factory.mktemp("both")
    with identity_provider(folder, f"http://127.0.0.1:{port}") as idp:
        settings = {
            "OIDC_ISSUER": idp.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "City Login",
            "OIDC_SIGN_UP": "true",
        }
        with running_product(folder, port, **settings) as product:
            yield product, idp


@pytest.fixture(params=SCREENS)
def context(
    request: pytest.FixtureRequest, chromium: Browser, both: tuple[Product, IdentityProvider]
) -> Iterator[BrowserContext]:
    """A fresh browser on one screen."""
    width, height, scheme = SCREENS[request.param]
    opened = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        base_url=both[0].address,
        reduced_motion="reduce",
    )
    yield opened
    opened.close()


def sign_in_there(page: Page, email: str) -> None:
    """Sign in on the provider's page."""
    expect(page.get_by_role("heading", name="Provider")).to_be_visible()
    page.get_by_label("Name").fill(email)
    page.get_by_label("Secret").fill(SECRET)
    page.get_by_role("button", name="Continue").click()


def complaints_of(page: Page) -> list[str]:
    """Collect what the browser has to complain of."""
    found: list[str] = []
    page.on("console", lambda said: listen(found, said.type, said.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_somebody_new_comes_in_and_leaves_at_both_ends(
    context: BrowserContext, both: tuple[Product, IdentityProvider], request: pytest.FixtureRequest
) -> None:
    _, idp = both
    email = f"nora-{request.node.callspec.id}@example.org"
    idp.add(f"idp|{email}", email, name="Nora")
    page = context.new_page()
    complaints = complaints_of(page)
    page.goto("/app/history")
    is_good(page, "sign-in with a provider")
    page.get_by_role("link", name=BUTTON).click()
    sign_in_there(page, email)
    expect(page).to_have_url(re.compile(r"/app/history$"))
    names = {one["name"] for one in context.cookies()}  # type: ignore[typeddict-item]
    assert names >= OURS
    assert "_session" in names - OURS  # the provider's own, in the same jar
    page.goto("/app/settings")
    page.get_by_role("link", name="Sign-in with City Login").click()
    expect(page.get_by_text("the only way into your account")).to_be_visible()
    is_good(page, "the settings of an account without a password")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign out of everything").click()
    expect(page).to_have_url(re.compile(r"/login(\?|$)"))
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("heading", name="Provider")).to_be_visible()
    assert complaints == []


def test_a_local_account_is_linked_after_its_password_and_parted_again(
    context: BrowserContext, both: tuple[Product, IdentityProvider]
) -> None:
    _, idp = both
    idp.add("idp|alice", "alice@example.org")
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("link", name=BUTTON).click()
    sign_in_there(page, "alice@example.org")
    expect(page.get_by_role("heading", name="Is this account yours?")).to_be_visible()
    is_good(page, "the proof")
    page.get_by_label("Password of your account here").fill("not the password")
    page.get_by_role("button", name="Link and sign in").click()
    expect(page.get_by_text("The e-mail address or the password is wrong.")).to_be_visible()
    is_good(page, "the proof with a mistake")
    page.get_by_label("Password of your account here").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Link and sign in").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))
    page.goto("/app/settings/identity-provider")
    is_good(page, "the settings of a linked account")
    page.get_by_role("button", name="Remove sign-in").click()
    expect(page.get_by_role("link", name="Link my account")).to_be_visible()
    is_good(page, "the settings of an account that is not linked")


def test_a_refusal_and_the_way_out_are_accessible(
    context: BrowserContext, both: tuple[Product, IdentityProvider], request: pytest.FixtureRequest
) -> None:
    _, idp = both
    email = f"olga-{request.node.callspec.id}@example.org"
    idp.add(f"idp|{email}", email)
    page = context.new_page()
    page.goto("/app/oidc/start")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("did not sign you in")
    is_good(page, "a refusal")
    page.get_by_role("link", name=BUTTON).click()
    sign_in_there(page, email)
    expect(page).to_have_url(re.compile(r"/app/today$"))
    page.route(f"{idp.issuer}/**", lambda route: route.fulfill(status=204))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out here")).to_be_visible()
    is_good(page, "the way out")
