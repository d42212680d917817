"""Errors: the right status, problem details, and never a word of what was sent."""

from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from medical_ai.bootstrap import create_app
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.logging import configure_logging
from medical_ai.medications import service
from tests.functional.test_medicines import AMLODIPINE
from tests.support.http import PROBLEM, Api, assert_problem

CANARY = "Canarymycin"
BODIES = ("/auth/signup", "/auth/login", "/login", "/medications", "/chat/message")


def post_raw(api: Api, path: str, data: bytes, content_type: str = "application/json") -> Any:
    """Send a body as it is."""
    return api.post(path, data=data, content_type=content_type)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1,",
        b"nul",
        b"{'a': 1}",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"\x00",
        b"NaN]",
    ],
)
def test_malformed_json_is_400(alices: Api, path: str, data: bytes) -> None:
    assert_problem(post_raw(alices, path, data), 400)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("data", [b"[]", b"7", b"null", b'"text"', b"{}", b'{"a": 1}'])
def test_json_of_another_shape_is_422(alices: Api, path: str, data: bytes) -> None:
    problem = assert_problem(post_raw(alices, path, data), 422)
    assert problem["errors"]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "application/xml",
        "",
    ],
)
def test_anything_but_json_is_415(alices: Api, path: str, kind: str) -> None:
    assert_problem(post_raw(alices, path, b'{"message": "Hello"}', kind), 415)


def test_the_charset_may_be_said(alices: Api) -> None:
    kind = "application/json; charset=utf-8"
    assert post_raw(alices, "/chat/message", b'{"message": "Hello"}', kind).status_code == 200


@pytest.mark.settings(max_body_bytes=2000)
@pytest.mark.parametrize("path", BODIES)
def test_a_body_over_the_limit_is_413(alices: Api, path: str) -> None:
    assert_problem(post_raw(alices, path, b" " * 2001), 413)
    assert post_raw(alices, path, b" " * 2000).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/auth/signup", {"email": f"{CANARY}@", "password": f"{CANARY}-long-enough"}),
        ("/auth/signup", {"email": "a@example.org", "password": "x" * 9, "timezone": CANARY}),
        ("/auth/signup", {"email": "a@example.org", "password": "x" * 9, CANARY: CANARY}),
        ("/auth/login", {"email": CANARY, "password": CANARY}),
        ("/auth/login", {"email": CANARY, "password": [CANARY]}),
        ("/auth/login", {"email": {CANARY: CANARY}, "password": "x"}),
        ("/medications", AMLODIPINE | {"name": f"{CANARY}\u0000"}),
        ("/medications", AMLODIPINE | {"name": CANARY * 30}),
        ("/medications", AMLODIPINE | {CANARY: CANARY}),
        ("/medications", AMLODIPINE | {"start_on": CANARY}),
        ("/medications", AMLODIPINE | {"schedules": [{"kind": CANARY, "times": [CANARY]}]}),
        ("/medications", AMLODIPINE | {"schedules": [{CANARY: CANARY, "times": ["08:00"]}]}),
        ("/chat/message", {"message": "Hi", "session_id": CANARY}),
        ("/chat/message", {"message": "Hi", "patient_id": CANARY, CANARY: 1}),
    ],
)
def test_a_refusal_never_repeats_what_was_sent(alices: Api, path: str, body: Any) -> None:
    response = alices.post(path, body)
    assert 400 <= response.status_code < 500
    assert CANARY.lower() not in response.get_data(as_text=True).lower()
    assert CANARY.lower() not in str(response.headers).lower()


@pytest.mark.parametrize("path", [f"/doses?from={CANARY}", f"/doses?{CANARY}=1", f"/{CANARY}"])
def test_a_refusal_never_repeats_the_address(alices: Api, path: str) -> None:
    response = alices.get(path)
    assert 400 <= response.status_code < 500
    assert CANARY not in response.get_data(as_text=True)


def test_an_unknown_address_is_404_for_programs_and_a_page_for_browsers(api: Api) -> None:
    assert_problem(api.get("/nowhere"), 404)
    page = api.get("/nowhere", headers={"Accept": "text/html"})
    assert (page.status_code, page.mimetype) == (404, "text/html")


@pytest.mark.parametrize("path", ["/doses/not-a-uuid", "/medications/1", "/chat/history/%00"])
def test_an_id_of_another_form_is_404(alices: Api, path: str) -> None:
    assert_problem(alices.get(path), 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "PROPFIND", "BREW"])
def test_a_method_that_is_not_answered_is_405_and_says_which_are(api: Api, method: str) -> None:
    response = api.request(method, "/auth/login")
    assert_problem(response, 405)
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_head_is_get_without_a_body(alices: Api, api: Api) -> None:
    response = alices.request("HEAD", "/doses")
    assert (response.status_code, response.data) == (200, b"")
    assert api.request("HEAD", "/doses").status_code == 401


def test_options_changes_nothing_and_needs_no_token(api: Api) -> None:
    response = api.request("OPTIONS", "/medications")
    assert response.status_code == 200
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}


def test_a_fault_of_ours_tells_only_its_request_id(
    settings: Settings, alices: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(settings, process="web")  # to the stream that is looked at here
    with patch.object(service, "list_medications", side_effect=RuntimeError(CANARY)):
        response = alices.get("/medications")
    problem = assert_problem(response, 500)
    written = capsys.readouterr()
    assert CANARY not in response.get_data(as_text=True) + written.out + written.err
    assert problem["request_id"] in written.err
    assert "RuntimeError" in written.err


@pytest.mark.parametrize(
    "away", [OperationalError("SELECT 1", {}, Exception(CANARY)), PoolTimeout(CANARY)]
)
def test_a_database_that_is_away_is_503_with_a_time_to_come_back(
    alices: Api, away: Exception
) -> None:
    with patch.object(service, "list_medications", side_effect=away):
        response = alices.get("/medications")
    assert_problem(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    assert CANARY not in response.get_data(as_text=True)


def test_debug_stays_off_whatever_the_environment_says(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    made = create_app(settings)
    assert made.debug is False
    for path in ("/console", "/?__debugger__=yes&cmd=resource&f=debugger.js", "/.git/config"):
        response = Api(made).get(path, headers={"Accept": PROBLEM})
        assert b"debugger" not in response.data.lower()


def test_an_offered_request_id_is_kept_only_when_it_is_harmless(api: Api) -> None:
    kept = api.get("/health/live", headers={"X-Request-Id": "monitor-2026_11"})
    assert kept.headers["X-Request-Id"] == "monitor-2026_11"
    for strange in ("short", "x" * 65, "a b c d e f", "<script>alert(1)</script>"):
        answer = api.get("/health/live", headers={"X-Request-Id": strange})
        assert answer.headers["X-Request-Id"] != strange
