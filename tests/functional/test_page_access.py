"""Who may open which page and which tool: all of them, with the whole cast and with nobody."""

from typing import Any

import pytest
from flask import Flask

from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from medical_ai.core.database import Database
from medical_ai.core.errors import DomainError
from medical_ai.mcp_tools.service import get_registry
from tests.functional.access import assemble
from tests.functional.access.pages import TOOLS
from tests.support.browser import Browser
from tests.support.people import CANARY, Cast, record_of

PAGES = assemble("PAGES")
# Those that end something come last, so that they spoil nothing for the others.
LAST = ("assistant.delete", "medications.change", "medications.stop", "auth.sign_out")
NAMES = ["alice", "bob", "nina", "bill", "dana", "charlie"]


def page_endpoints(app: Flask) -> set[str]:
    """Return every page that needs a sign-in."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "is_page", False)
        and rule.endpoint not in PUBLIC_ENDPOINTS
    }


def test_every_page_is_in_the_matrix(app: Flask) -> None:
    assert page_endpoints(app) == set(PAGES)


def test_every_tool_is_in_the_matrix() -> None:
    assert set(get_registry().tools) == set(TOOLS)


@pytest.mark.parametrize("name", NAMES)
def test_the_cast_opens_what_the_matrix_says(
    app: Flask, people: Cast, alices_ids: dict[str, str], name: str
) -> None:
    browser = Browser(app)
    assert browser.sign_in(getattr(people, name)).status_code == 303
    browser.open("/app/today")
    wrong: dict[str, Any] = {}
    for endpoint in [*(one for one in PAGES if one not in LAST), *LAST]:
        path, fields, expected = PAGES[endpoint]
        path = path.format(**alices_ids)
        response = browser.open(path) if fields is None else browser.send(path, **fields)
        # Being led to the sign-in page is no answer to somebody who is signed in.
        led_away = response.status_code == 303 and "next=" in (response.location or "")
        outcome = 200 if response.status_code < 400 and not led_away else response.status_code
        if outcome != expected[name]:
            wrong[endpoint] = (response.status_code, expected[name])
        if expected[name] != 200:
            assert CANARY not in response.get_data(as_text=True), endpoint
    assert wrong == {}


def test_nobody_is_led_to_the_sign_in_page(app: Flask, alices_ids: dict[str, str]) -> None:
    browser = Browser(app)
    browser.open("/login")
    for endpoint, (path, fields, _) in PAGES.items():
        address = path.format(**alices_ids)
        response = browser.open(address) if fields is None else browser.send(address, **fields)
        assert response.status_code == 303, endpoint
        assert (response.location or "").startswith("/login"), endpoint
        assert CANARY not in response.get_data(as_text=True), endpoint


@pytest.mark.parametrize("name", NAMES)
def test_the_cast_reads_by_tools_what_the_matrix_says(
    database: Database, people: Cast, alices_ids: dict[str, str], name: str
) -> None:
    with database.reading() as session:
        patient_id = str(record_of(session, people.alice).id)
    actor = getattr(people, name).actor
    for tool, expected in TOOLS.items():
        outcome, rows = 200, []
        try:
            with database.unit_of_work() as session:
                called = {"patient_id": patient_id}
                rows = get_registry().call(session, actor=actor, name=tool, arguments=called).rows
        except DomainError as error:
            outcome = error.status
        assert outcome == expected[name], tool
        assert (CANARY in str(rows)) <= (expected[name] == 200), tool
