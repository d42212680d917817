"""From sign-up over the confirmed address to a forgotten password, by the links in real mail."""

import re
from email.message import Message

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Product

pytestmark = pytest.mark.browser

EMAIL = "forgetful@example.org"
PASSWORD = "a long walk by the river"  # pragma: allowlist secret - made up
NEW = "a lantern on the pier"  # pragma: allowlist secret - made up


def test_from_a_new_account_to_a_new_password(page: Page, product: Product) -> None:
    _sign_up_and_be_advised(page)
    _confirm_the_address(page, product)
    _change_name_and_clock(page)
    _forget_the_password(page, product)
    _open_the_link_once(page)
    _sign_in_with_the_new_one(page, product)


def _sign_up_and_be_advised(page: Page) -> None:
    page.goto("/signup")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill("password1")
    expect(page.get_by_text("Another word would make it stronger.")).to_be_visible()
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("Many people use this password").first).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    expect(page.get_by_text("A good length.")).to_be_visible()
    page.get_by_role("button", name="Create the account").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))


def _confirm_the_address(page: Page, product: Product) -> None:
    mail = _mail(product, "Confirm your e-mail address")
    page.goto("/app/settings")
    expect(page.get_by_text("not confirmed yet")).to_be_visible()
    page.goto(_path_of(mail))
    expect(page.get_by_label("Code of the link")).to_be_hidden()
    assert "#" not in page.url
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()
    page.goto("/app/settings")
    expect(page.get_by_text("not confirmed yet")).to_have_count(0)


def _change_name_and_clock(page: Page) -> None:
    page.get_by_role("link", name="Name and time zone").click()
    page.get_by_label("What may we call you?").fill("Flo")
    page.get_by_label("Your time zone").select_option("Europe/Madrid")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Flo, patient")).to_be_visible()


def _forget_the_password(page: Page, product: Product) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_role("button", name="Send me the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look at your mail")
    page.goto(_path_of(_mail(product, "Choose a new password")))


def _open_the_link_once(page: Page) -> None:
    page.get_by_label("New password").fill(EMAIL)
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_text("This is your name or your e-mail address").first).to_be_visible()
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_text("Your password is changed")).to_be_visible()


def _sign_in_with_the_new_one(page: Page, product: Product) -> None:
    _mail(product, "Your password was changed")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The e-mail address or the password is wrong.")).to_be_visible()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/app/today$"))


def test_a_link_survives_having_to_sign_in_first(page: Page) -> None:
    page.goto("/app/confirm-email#nobody-was-sent-this")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_label("Password").fill("demo people meet here")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Confirm your new")
    expect(page.get_by_label("Code of the link")).to_have_value("nobody-was-sent-this")
    page.get_by_role("button", name="Use the new address").click()
    expect(page.get_by_text("This link has been used, or is too old.").first).to_be_visible()


def _mail(product: Product, subject: str) -> Message:
    """Return the next mail, which has this subject."""
    _, mail = product.inbox.wait(seconds=15, to=EMAIL)
    assert mail["Subject"] == subject
    return mail


def _path_of(mail: Message) -> str:
    """Return the address of the link in a mail, as of this host."""
    plain = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    text = plain.get_payload(decode=True)
    assert isinstance(text, bytes)
    return re.findall(r"https?://[^/]+(/\S+)", text.decode())[0]
