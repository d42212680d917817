"""People who sign in at the provider alone, on every page that asks others for a password."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.functional.provider.conftest import Traveller, find_account
from tests.support.provider import IdentityProvider

EMAIL = "nora@example.org"
LATE = timedelta(minutes=11)
ZIP = "application/zip"


@pytest.fixture
def nora(browser: Traveller, idp: IdentityProvider) -> Traveller:
    """Nora's browser; her account has no password."""
    idp.add("idp|nora", EMAIL)
    browser.travel(EMAIL)
    return browser


def test_the_archive_is_given_after_a_sign_in_of_the_last_minutes(nora: Traveller) -> None:
    page = nora.open("/app/settings/export").get_data(as_text=True)
    assert 'name="password"' not in page
    assert nora.send("/app/settings/export").mimetype == ZIP
    with time_machine.travel(clock.now() + LATE):
        asked = nora.send("/app/settings/export")
        assert asked.headers["Location"] == "/app/settings/proof?next=/app/settings/export"


def test_an_account_is_deleted_after_another_sign_in(nora: Traveller, database: Database) -> None:
    with time_machine.travel(clock.now() + LATE):
        nora.open("/app/settings/delete")
        asked = nora.send("/app/settings/delete", sure="1")
        assert asked.headers["Location"] == "/app/settings/proof?next=/app/settings/delete"
        page = nora.open(asked.headers["Location"]).get_data(as_text=True)
        assert 'name="password"' not in page
        again = "/app/oidc/start?next=/app/settings/delete&again=1"
        assert again.replace("&", "&amp;") in page
        assert parse_qs(urlsplit(nora.begin(again)).query)["prompt"] == ["login"]
        assert nora.travel(EMAIL, path=again).headers["Location"] == "/app/settings/delete"
        nora.open("/app/settings/delete")
        assert nora.send("/app/settings/delete", sure="1").status_code == 303
    assert find_account(database, EMAIL).deletion_due_at is not None


def test_a_token_asks_for_another_sign_in_and_not_for_a_password(nora: Traveller) -> None:
    assert nora.open("/app/settings/tokens/new").status_code == 200
    with time_machine.travel(clock.now() + LATE):
        asked = nora.open("/app/settings/tokens/new")
        assert asked.headers["Location"] == "/app/settings/proof?next=/app/settings/tokens/new"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/app/settings/password", {"current_password": "x", "new_password": "a lamp that waters"}),
        ("/app/settings/email", {"password": "x", "email": "other@example.org"}),
        ("/app/settings/proof", {"password": "x"}),
    ],
)
def test_where_only_a_password_does_its_lack_is_said(
    nora: Traveller, path: str, fields: dict[str, str]
) -> None:
    nora.open("/app/settings/profile")
    answer = nora.send(path, **fields)
    assert answer.status_code == 422
    if path != "/app/settings/proof":
        assert "Your account has no password" in answer.get_data(as_text=True)
