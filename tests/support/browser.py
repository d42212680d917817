"""A browser's part: cookies, form tokens, and following no redirect by itself."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.people import PASSWORD, Person

ADDRESS = "https://localhost"
FORM_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """Keeps cookies, and sends a form with the token of the page it stands on."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self._token = ""

    def open(self, path: str, **options: Any) -> TestResponse:
        """Open a page."""
        headers = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
        headers |= options.pop("headers", {})
        response = self.client.get(path, base_url=ADDRESS, headers=headers, **options)
        is_page = response.mimetype == "text/html"
        found = FORM_TOKEN.search(response.get_data(as_text=True)) if is_page else None
        self._token = found.group(1) if found else self._token
        return response

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        return self.post(path, {"csrf_token": self._token} | fields)

    def post(self, path: str, fields: dict[str, Any], **headers: str) -> TestResponse:
        """Send fields just as they are."""
        sent = {"Accept": "text/html", "Referer": f"{ADDRESS}/"} | headers
        return self.client.post(path, base_url=ADDRESS, data=fields, headers=sent)

    def sign_in(self, person: Person) -> TestResponse:
        """Sign in by the form."""
        self.open("/login")
        return self.send("/app/sign-in", email=person.email, password=PASSWORD)

    def cookie(self, name: str) -> Any:
        """Return a cookie, if the browser has it."""
        return self.client.get_cookie(name, domain="localhost")
