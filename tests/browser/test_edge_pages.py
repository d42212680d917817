"""What people see while nginx answers instead of the application."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import listen
from tests.browser.test_pages import SCREENS, is_good
from tests.support.nginx import DOMAIN, Nginx, nginx
from tests.support.upstream import upstream

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site() -> Iterator[Nginx]:
    """The site as shipped, with nothing behind it."""
    folder = Path(tempfile.mkdtemp(prefix="medical-ai-edge-"))
    with nginx(folder) as running:
        yield running
    shutil.rmtree(folder)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", ["/app/today", "/.hidden"])
def test_its_pages_are_for_everybody(
    chromium: Browser, site: Nginx, complaints: list[str], path: str, screen: str
) -> None:
    width, height, scheme = SCREENS[screen]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of its two words
        ignore_https_errors=True,
    )
    page = context.new_page()
    page.on("console", lambda said: listen(complaints, said.type, said.text))
    page.goto(f"https://{DOMAIN}:{site.port}{path}")
    styled = "getComputedStyle(document.querySelector('.brand-mark')).width"
    assert page.evaluate(styled) != "auto"
    is_good(page, path)
    context.close()
    assert complaints == []


def test_the_page_goes_on_by_itself_once_the_application_is_back(
    chromium: Browser, site: Nginx
) -> None:
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"https://{DOMAIN}:{site.port}/app/today")
    assert page.get_by_role("heading", name="We are away for a moment").is_visible()
    with upstream(site.socket):
        page.get_by_text('"path":').wait_for(timeout=15_000)
    context.close()
