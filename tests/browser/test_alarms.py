"""A patient lets a friend be told of emergencies, has one, and the friend sees it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Product, sign_up

pytestmark = pytest.mark.browser

PATIENT, FRIEND = "wanda.patient@example.org", "fritz.friend@example.org"
INVITED = "fritz.elsewhere@example.net"
NEEDS_HELP = "Somebody you look after may need help now"


def test_a_friend_is_told_when_the_patient_is_advised_to_call_for_help(
    page: Page, chromium: Browser, product: Product
) -> None:
    sign_up(page, PATIENT, "Wanda")
    _invite(page)
    link = product.inbox.link("/app/invitations/caregiver#", to=INVITED)
    other = chromium.new_context(base_url=product.address, timezone_id="Europe/Berlin")
    friend = other.new_page()
    try:
        sign_up(friend, FRIEND, "Fritz")
        product.inbox.wait(15, FRIEND)  # the link that confirms the address
        _accept(friend, link)
        friend.goto("/app/today")
        _be_advised_to_call_for_help(page)
        _be_told(friend, product)
    finally:
        other.close()


def _invite(page: Page) -> None:
    page.goto("/app/caregivers")
    page.get_by_label("Their e-mail address").fill(INVITED)
    page.get_by_label("See the medicines").check()
    expect(page.get_by_text("They find a notice here and get an e-mail.")).to_be_visible()
    page.get_by_label("The assistant advised to call for help").check()
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_text("The invitation is on its way")).to_be_visible()


def _accept(friend: Page, link: str) -> None:
    friend.goto(link)
    friend.get_by_role("button", name="Look at the invitation").click()
    expect(friend.get_by_text("You would get a notice here and an e-mail when:")).to_be_visible()
    expect(friend.get_by_text("The assistant advised to call for help")).to_be_visible()
    friend.get_by_role("button", name="Yes, I help").click()
    expect(friend.get_by_text("Thank you")).to_be_visible()


def _be_advised_to_call_for_help(page: Page) -> None:
    page.goto("/app/chat")
    page.get_by_label("Your question").fill("I have crushing chest pain")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_contain_text("This may be an emergency")
    told = page.get_by_role("article").get_by_text("As you chose, a message asks somebody")
    expect(told).to_be_visible()
    expect(page.get_by_role("alert")).not_to_contain_text("As you chose")
    expect(page.locator("#announcer")).to_contain_text("As you chose")
    assert Axe().run(page).violations_count == 0


def _be_told(friend: Page, product: Product) -> None:
    # On the page that stood open all the time, without a touch.
    alarm = friend.get_by_role("alert").filter(has_text=NEEDS_HELP)
    expect(alarm).to_be_visible(timeout=15_000)
    expect(alarm).to_contain_text("It is about Wanda.")
    assert Axe().run(friend).violations_count == 0
    _, mail = product.inbox.wait(15, FRIEND)
    assert mail["Subject"] == NEEDS_HELP
    assert "Wanda" not in str(mail)
    alarm.get_by_role("link", name="Open their page").click()
    expect(friend.get_by_role("heading", name="Wanda")).to_be_visible()
    expect(friend.get_by_text("You are told when the assistant advised")).to_be_visible()
    friend.goto("/app/people")
    expect(friend.get_by_role("alert")).to_contain_text("It is about Wanda.")
    friend.get_by_role("button", name="I have seen it").click()
    expect(friend).to_have_url(re.compile(r"/app/notices$"))
    expect(friend.get_by_text("It is about Wanda.")).to_be_visible()
    friend.goto("/app/today")
    expect(friend.get_by_text(NEEDS_HELP)).to_have_count(0)
