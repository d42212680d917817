"""Talking to the application as a program with a bearer token does."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.json import loads
from werkzeug.test import TestResponse

from tests.support.people import PASSWORD, Person

JSON = "application/json"
PROBLEM = "application/problem+json"
EVENTS = "text/event-stream"


class Api:
    """A client without cookies; with a token it is somebody."""

    def __init__(self, app: Flask, token: str = "") -> None:
        self.app, self.token = app, token
        self._client = app.test_client(use_cookies=False)

    def with_token(self, token: str) -> "Api":
        """Return a client that bears another token."""
        return Api(self.app, token)

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send one request."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self._client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        """Send a POST request, with a JSON body where there is one."""
        if json is not None:
            options["json"] = json
        return self.request("POST", path, **options)

    def patch(self, path: str, json: Any, **options: Any) -> TestResponse:
        """Send a PATCH request."""
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """Send a DELETE request."""
        return self.request("DELETE", path, **options)


def signed_in(app: Flask, person: Person) -> Api:
    """Return a client that bears a person's fresh access token."""
    granted = login(Api(app), person.email).get_json()
    return Api(app, granted["access_token"])


def login(api: Api, email: str, password: str = PASSWORD, path: str = "/auth/login") -> Any:
    """Sign in and return the answer."""
    return api.post(path, {"email": email, "password": password})


def events_of(text: str) -> Iterator[tuple[str, Any]]:
    """Read server-sent events: name and data, heartbeats left out."""
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] not in ":")
        if "event" in fields:
            yield fields["event"], loads(fields["data"])


def assert_problem(response: TestResponse, status: int) -> dict[str, Any]:
    """Check that an answer is RFC 9457 problem details of this status, and return them."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.mimetype == PROBLEM
    problem: dict[str, Any] = response.get_json()
    assert problem["status"] == status
    assert set(problem) >= {"type", "title", "status", "detail", "request_id"}
    assert problem["request_id"] == response.headers["X-Request-Id"]
    return problem
