"""A patient lets a friend look after them, in two browsers, and takes it back."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Product, sign_up

pytestmark = pytest.mark.browser

PATIENT, FRIEND = "carol.patient@example.org", "frank.friend@example.org"
MEDICINE = "Careamycin 5 mg"


def test_a_friend_sees_what_was_chosen_until_it_is_taken_back(
    page: Page, chromium: Browser, product: Product
) -> None:
    sign_up(page, PATIENT, "Carol")
    _add_medicine(page)
    _invite(page)
    link = product.inbox.link("/app/invitations/caregiver#", to="somewhere.else@example.net")
    other = chromium.new_context(base_url=product.address, timezone_id="Europe/Berlin")
    friend = other.new_page()
    try:
        _look_without_an_account(friend, link)
        sign_up(friend, FRIEND, "Frank")
        _accept(friend)
        _see_the_medicines_and_no_more(friend)
        _take_it_back(page)
        _see_nothing_any_more(friend)
    finally:
        other.close()


def _add_medicine(page: Page) -> None:
    page.goto("/app/medications/new")
    page.get_by_label("Name and strength").fill(MEDICINE)
    page.get_by_label("Time 1").fill("23:59")
    page.get_by_role("button", name="Add to my list").click()
    expect(page.get_by_text("The medicine is on your list")).to_be_visible()


def _invite(page: Page) -> None:
    page.goto("/app/settings")
    page.get_by_role("link", name=re.compile("^Caregivers")).click()
    page.get_by_label("Their e-mail address").fill("somewhere.else@example.net")
    page.get_by_label("See the medicines").check()
    page.get_by_role("button", name="Invite them").click()
    expect(page.get_by_text("The invitation is on its way")).to_be_visible()
    expect(page.get_by_text("Invited, not answered yet")).to_be_visible()


def _look_without_an_account(friend: Page, link: str) -> None:
    friend.goto(link)
    expect(friend).to_have_url(re.compile(r"/app/invitations/caregiver$"))  # the token is gone
    friend.get_by_role("button", name="Look at the invitation").click()
    expect(friend.get_by_role("heading", name="Carol asks for your help")).to_be_visible()
    expect(friend.get_by_text("To say yes you need an account")).to_be_visible()


def _accept(friend: Page) -> None:
    friend.goto("/app/invitations/caregiver")  # the tab remembers the link
    friend.get_by_role("button", name="Look at the invitation").click()
    expect(friend.get_by_text(FRIEND)).to_be_visible()
    friend.get_by_role("button", name="Yes, I help").click()
    expect(friend.get_by_text("Thank you")).to_be_visible()


def _see_the_medicines_and_no_more(friend: Page) -> None:
    friend.get_by_role("link", name=re.compile("Carol")).click()
    expect(friend.get_by_text(MEDICINE).first).to_be_visible()
    expect(friend.get_by_role("button", name="Taken")).to_have_count(0)
    expect(friend.get_by_role("link", name="Add a medicine")).to_have_count(0)
    friend.get_by_role("link", name="The last 30 days").click()
    expect(friend.get_by_role("heading", name="The last 30 days")).to_be_visible()
    friend.go_back()


def _take_it_back(page: Page) -> None:
    page.goto("/app/caregivers")
    page.get_by_role("link", name=re.compile("Frank")).click()
    expect(page.get_by_text(FRIEND)).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("They see nothing from now on")).to_be_visible()


def _see_nothing_any_more(friend: Page) -> None:
    answer = friend.reload()
    assert answer is not None
    assert answer.status == 404
    expect(friend.get_by_text(MEDICINE)).to_have_count(0)
    friend.goto("/app/people")
    expect(friend.get_by_text("Nobody yet")).to_be_visible()
