"""The application over HTTP: on SQLite, and on both databases where a test asks for it."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from medical_ai.bootstrap import create_app
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from tests.functional.access import care
from tests.functional.access.sessions import NEW_TOKEN
from tests.support.http import Api, signed_in
from tests.support.people import ALICES_CODE, CANARY, Person, create_patient_account, record_of
from tests.support.stores import Store


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    """SQLite, unless the test names another kind."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database(
    stores: dict[str, Store], database_kind: str, settings: Settings
) -> Iterator[Database]:
    """A database whose rows are really committed, as the application's own are."""
    with stores[database_kind].committing(settings) as lent:
        yield lent


@pytest.fixture
def app(database: Database, settings: Settings) -> Iterator[Flask]:
    """The application, on the same database as the fixtures."""
    made = create_app(settings)
    yield made
    made.extensions["medical_ai.database"].dispose()


@pytest.fixture
def api(app: Flask) -> Api:
    """A client that nobody knows."""
    return Api(app)


@pytest.fixture
def api_of(app: Flask) -> Callable[[Person], Api]:
    """Make a client for a member of the cast; the same person gets the same one."""
    return cache(lambda person: signed_in(app, person))


@pytest.fixture
def alices(api_of: Callable[[Person], Api], alice: Person) -> Api:
    """Alice's client."""
    return api_of(alice)


@pytest.fixture
def alices_ids(app: Flask, database: Database, alice: Person) -> dict[str, str]:
    """Alice's code, her medicine, one of its doses of today, a conversation, and Bob's care.

    Carla is a patient whom nobody looks after; `nobodys_id` is nobody's.
    """
    hers = signed_in(app, alice)
    times = [f"{hour:02}:59" for hour in range(0, 24, 2)]
    body = {"name": CANARY, "schedules": [{"kind": "times", "times": times}]}
    medicine = hers.post("/medications", body).get_json()
    span = hers.get("/doses").get_json()["items"] or _tomorrow(hers, medicine)
    talk = hers.post("/chat/message", {"message": "What am I taking?"}).get_json()
    with database.unit_of_work() as session:
        carlas_code = record_of(session, create_patient_account(session, "carla")).code
    return {
        "medication_id": medicine["id"],
        "dose_id": span[0]["id"],
        "session_id": talk["session_id"],
        "family_id": hers.get("/auth/sessions").get_json()["items"][0]["id"],
        "caregiver_id": hers.post("/caregivers", care.INVITE).get_json()["id"],
        "dependant_id": hers.post("/dependants", care.CHILD).get_json()["id"],
        "token_id": hers.post("/auth/tokens", NEW_TOKEN).get_json()["id"],
        "code": ALICES_CODE,
        "carlas_code": carlas_code,
        "care_id": hers.get("/records/care-team").get_json()["items"][0]["id"],
        "nobodys_id": str(uuid4()),
    }


def _tomorrow(api: Api, medicine: dict[str, Any]) -> list[dict[str, Any]]:
    # In the last minute of the day, the next dose is tomorrow's.
    since = medicine["created_at"].replace("+", "%2B")
    found: list[dict[str, Any]] = api.get(f"/doses?from={since}").get_json()["items"]
    return found
