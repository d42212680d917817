"""A patient finds out who saw their record, without reading anything that is not plain."""

import json
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DEMO_PASSWORD, Product

pytestmark = pytest.mark.browser


def call(product: Product, path: str, *, token: str = "", body: Any = None) -> Any:
    """Call the API of the running product."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(product.address + path, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def token_of(product: Product, name: str) -> str:
    """Sign somebody in and return their token."""
    body = {"email": f"{name}@example.org", "password": DEMO_PASSWORD}
    return str(call(product, "/auth/login", body=body)["access_token"])


def test_alice_sees_that_her_doctor_looked_and_takes_her_log_home(
    page: Page, product: Product, tmp_path: Path
) -> None:
    medicines = call(product, "/medications", token=token_of(product, "alice"))["items"]
    call(product, f"/medications/{medicines[0]['id']}", token=token_of(product, "bob"))
    page.goto("/login")
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="Who saw your record").click()
    row = page.get_by_role("listitem").filter(has_text="Dr Bob, Riverside Hospital").first
    expect(row).to_contain_text("Saw your medicines")
    expect(row).to_contain_text("In your care team")
    expect(page.locator("main strong", has_text="You")).to_have_count(0)
    page.get_by_text("Choose what to see").click()
    page.get_by_label("Show").select_option("Everything, mine too")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("main strong", has_text="You").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the file").click()
    saved.value.save_as(tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip") as packed:
        assert "access-log/verify.py" in packed.namelist()
