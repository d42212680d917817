"""Who may call what: every endpoint of the API, with the whole cast."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from tests.functional.access import READ_ONE, assemble
from tests.support.http import Api, assert_problem, signed_in
from tests.support.people import CANARY, Cast, Person

# Endpoint: path, body, and the answer for each of the cast. 200 stands for any success.
MATRIX = assemble()
WITH_A_REFRESH_TOKEN = {"auth_api.refresh"}
# Those that end something come last, so that they spoil nothing for the others.
LAST = ("chat_api.delete_session", "medications_api.stop_medication", "auth_api.logout")


def operations(app: Flask) -> dict[str, str]:
    """Return the method of every endpoint of the API that is not public."""
    found = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if hasattr(view, "operation") and rule.endpoint not in PUBLIC_ENDPOINTS:
            found[rule.endpoint] = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
    return found


def test_every_endpoint_of_the_api_is_in_the_matrix(app: Flask) -> None:
    assert set(operations(app)) == set(MATRIX) | WITH_A_REFRESH_TOKEN


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill", "dana", "charlie"])
def test_the_cast_gets_what_the_matrix_says(
    app: Flask, people: Cast, alices_ids: dict[str, str], name: str
) -> None:
    """V8.2.1, V8.2.2: every operation, and every id in it, by what each person may do."""
    caller = signed_in(app, getattr(people, name))
    methods, wrong = operations(app), {}
    for endpoint in [*(one for one in MATRIX if one not in LAST), *LAST]:
        path, body, expected = MATRIX[endpoint]
        options = {} if body is None else {"json": body}
        response = caller.request(methods[endpoint], path.format(**alices_ids), **options)
        status = response.status_code
        outcome = 200 if status < 300 else status
        if outcome != expected[name]:
            wrong[endpoint] = (status, expected[name])
        may_see = expected is READ_ONE and expected[name] == 200
        if name != "alice" and not may_see:
            assert CANARY.encode() not in response.get_data(), endpoint
    assert wrong == {}


def test_anonymous_callers_are_asked_to_sign_in(app: Flask, api: Api) -> None:
    methods = operations(app)
    ids: defaultdict[str, str] = defaultdict(lambda: str(uuid4()))
    paths = {endpoint: path for endpoint, (path, _, _) in MATRIX.items()}
    paths |= {"auth_api.refresh": "/auth/refresh"}
    for endpoint, path in paths.items():
        # Without a body, and with one that makes no sense: who is unknown learns no schema.
        for options in ({}, {"json": {"nonsense": 1}}, {"data": b"{", "content_type": "x/y"}):
            response = api.request(methods[endpoint], path.format_map(ids), **options)
            assert_problem(response, 401)
            assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_her_doctor_asks_the_assistant_about_her_and_outsiders_cannot(
    app: Flask, people: Cast, alices_ids: dict[str, str], database: Any
) -> None:
    from tests.support.people import record_of

    with database.reading() as session:
        record_id = str(record_of(session, people.alice).id)
    question = {"message": "Which medicines?", "patient_id": record_id}
    statuses = {}
    for person in people.everyone:
        response = signed_in(app, person).post("/chat/message", question)
        statuses[person.name] = response.status_code
        assert (CANARY in response.get_data(as_text=True)) == (person.name in {"alice", "bob"})
    assert statuses == {
        "alice": 200, "bob": 200, "charlie": 404, "dana": 403, "nina": 404, "bill": 403,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["nina", "charlie"])
def test_what_is_hidden_looks_like_what_is_not_there(
    api_of: Callable[[Person], Api], people: Cast, alices_ids: dict[str, str], name: str
) -> None:
    caller = api_of(getattr(people, name))
    for path, key in (("/medications/", "medication_id"), ("/doses/", "dose_id")):
        hidden = assert_problem(caller.get(path + alices_ids[key]), 404)
        missing = assert_problem(caller.get(path + str(uuid4())), 404)
        assert hidden | {"request_id": ""} == missing | {"request_id": ""}
