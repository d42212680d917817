"""What a browser is told with every answer, and which other sites may call us."""

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from tests.support.http import Api

HTTPS = {"X-Forwarded-Proto": "https"}
ADDRESSES = ("/health/live", "/openapi.json", "/nowhere", "/", "/login", "/auth/me", "/app/today")


def note_requests(app: Flask) -> dict[str, str | None]:
    """Note where the latest request came from, as the application sees it."""
    seen: dict[str, str | None] = {}

    @app.after_request
    def note(response: Response) -> Response:
        seen.update(address=request.remote_addr, scheme=request.scheme)
        return response

    return seen


@pytest.mark.parametrize("path", ADDRESSES)
def test_every_answer_carries_the_security_headers(api: Api, path: str) -> None:
    headers = api.get(path, headers=HTTPS).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_content_security_policy_leaves_no_way_in(api: Api, path: str) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in api.get(path).headers["Content-Security-Policy"].split(";")
        if part.strip()
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["object-src"] == "'none'"
    for sources in policy.values():
        assert "unsafe" not in sources
        assert "*" not in sources
        assert "http:" not in sources


def test_plain_http_promises_nothing_for_https(api: Api) -> None:
    assert "Strict-Transport-Security" not in api.get("/health/live").headers


@pytest.mark.settings(trusted_proxy_hops=0)
def test_without_a_trusted_proxy_forwarded_headers_are_not_believed(app: Flask, api: Api) -> None:
    seen = note_requests(app)
    api.get("/openapi.json", headers=HTTPS | {"X-Forwarded-For": "203.0.113.66"})
    assert seen == {"address": "127.0.0.1", "scheme": "http"}


def test_only_the_nearest_hop_is_believed(app: Flask) -> None:
    seen = note_requests(app)
    forwarded = {"X-Forwarded-For": "203.0.113.66, 192.0.2.7"}
    Api(app).get("/openapi.json", headers=HTTPS | forwarded)
    assert seen == {"address": "192.0.2.7", "scheme": "https"}


@pytest.mark.parametrize("path", ["/auth/me", "/doses", "/medications", "/chat/sessions"])
def test_answers_about_people_are_not_kept_by_anybody(alices: Api, path: str) -> None:
    assert alices.get(path).headers["Cache-Control"] == "no-store"


def test_assets_may_be_kept(app: Flask) -> None:
    client: FlaskClient = app.test_client()
    response = client.get("/static/img/icon.svg")
    assert response.status_code == 200
    assert "max-age" in response.headers["Cache-Control"]


def test_without_a_list_no_other_site_may_call(api: Api) -> None:
    response = api.get("/health/live", headers={"Origin": "https://evil.example.org"})
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.settings(cors_origins="https://app.example.org, https://other.example.org")
@pytest.mark.parametrize("origin", ["https://app.example.org", "https://other.example.org"])
def test_named_origins_may_call_without_cookies(api: Api, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    headers["Access-Control-Request-Headers"] = "authorization, content-type"
    response = api.request("OPTIONS", "/chat/message", headers=headers)
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert "authorization" in response.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.settings(cors_origins="https://app.example.org")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.org",
        "http://app.example.org",
        "https://app.example.org.evil.example",
        "https://appXexample.org",
        "https://app.example.org:8443",
        "null",
    ],
)
def test_no_other_origin_may_call(api: Api, origin: str) -> None:
    response = api.get("/health/live", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in response.headers
