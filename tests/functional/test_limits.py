"""Limits hold without nginx: requests, sign-ins and new accounts."""

import pytest
from flask import Flask

from medical_ai.bootstrap import create_app
from medical_ai.core.config import Settings
from tests.support.http import Api, assert_problem, login
from tests.support.people import PASSWORD, Person

pytestmark = pytest.mark.settings(ratelimit_enabled=True)


@pytest.mark.settings(ratelimit_default="3 per minute")
def test_too_many_requests_are_429_with_a_time_to_come_back(api: Api) -> None:
    statuses = [api.get("/openapi.json").status_code for _ in range(3)]
    refused = api.get("/openapi.json")
    assert statuses == [200] * 3
    assert_problem(refused, 429)
    assert int(refused.headers["Retry-After"]) >= 1


@pytest.mark.settings(ratelimit_default="3 per minute")
def test_the_limit_is_one_for_all_addresses_together(api: Api) -> None:
    paths = ("/openapi.json", "/docs", "/login", "/signup", "/auth/me")
    statuses = [api.get(path).status_code for path in paths]
    assert statuses[3:] == [429, 429]


@pytest.mark.settings(ratelimit_default="3 per minute")
def test_somebody_elses_requests_are_not_counted(api: Api) -> None:
    for _ in range(5):
        api.get("/openapi.json")
    other = api.get("/openapi.json", headers={"X-Forwarded-For": "203.0.113.7"})
    assert other.status_code == 200


@pytest.mark.settings(ratelimit_default="3 per minute")
def test_monitors_and_assets_are_not_limited(api: Api) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/static/img/icon.svg"):
        assert {api.get(path).status_code for _ in range(6)} == {200}


@pytest.mark.settings(ratelimit_default="100 per second")
def test_sign_ins_are_counted_over_all_processes(app: Flask, settings: Settings) -> None:
    second = create_app(settings)
    answers = [login(Api(one), "nobody@example.org", "wrong") for one in (app, second) * 4]
    second.extensions["medical_ai.database"].dispose()
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3
    assert int(answers[-1].headers["Retry-After"]) >= 1


@pytest.mark.settings(ratelimit_default="100 per second")
def test_both_sign_in_addresses_share_the_count(api: Api, alice: Person) -> None:
    statuses = [
        login(api, alice.email, "wrong", path=path).status_code
        for path in ("/auth/login", "/login") * 3
    ]
    assert statuses == [401] * 5 + [429]
    assert login(api, alice.email, PASSWORD).status_code == 429


@pytest.mark.settings(ratelimit_default="100 per second", signups_per_minute=2)
def test_new_accounts_are_counted(api: Api) -> None:
    bodies = [{"email": f"p{number}@example.org", "password": PASSWORD} for number in range(3)]
    statuses = [api.post("/auth/signup", body).status_code for body in bodies]
    assert statuses == [201, 201, 429]
