"""The hospital's log for its administrators."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login
from tests.support.people import Cast, Person

ApiOf = Callable[[Person], Api]
MEDICINE = {"name": "Canarymycin", "schedules": [{"kind": "times", "times": ["08:00"]}]}


@pytest.fixture
def busy(people: Cast, api_of: ApiOf) -> str:
    """A day on which several things happened; return the address of Alice's medicine."""
    made = api_of(people.alice).post("/medications", MEDICINE).get_json()
    medicine = f"/medications/{made['id']}"
    assert api_of(people.bob).get(medicine).status_code == 200
    assert api_of(people.nina).get(medicine).status_code == 404
    assert api_of(people.charlie).get("/auth/me").status_code == 200
    assert login(Api(api_of(people.bob).app), people.bob.email, "wrong, I think").status_code == 401
    return medicine


@pytest.fixture
def danas(people: Cast, api_of: ApiOf) -> Api:
    """The administrator's client."""
    return api_of(people.dana)


def search(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Search the log."""
    response = api.get("/audit", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    items: list[dict[str, Any]] = response.get_json()["items"]
    return items


def test_it_names_staff_and_tells_patients_by_code_alone(danas: Api, busy: str) -> None:
    looks = search(danas, tag="patient:record:viewed", person="bob@example.org")
    assert [(one["who"], one["did"], one["why"], one["patient"]) for one in looks] == [
        ("Dr Bob", "saw the patient's medicines", "in the patient's care team", "NUGWI")
    ]
    everything = danas.get("/audit").get_data(as_text=True)
    assert "Canarymycin" not in everything
    assert "Alice" not in everything
    assert "alice@example.org" not in everything


def test_it_is_scoped_to_the_hospital(people: Cast, danas: Api, busy: str) -> None:
    found = search(danas, limit="100")
    assert {one["person_id"] for one in found} >= {str(people.bob.user_id)}
    assert str(people.charlie.user_id) not in {one["person_id"] for one in found}
    assert search(danas, person="charlie@example.org") == []


@pytest.mark.parametrize(
    ("query", "whos"),
    [
        ({"outcome": "refused"}, {"Nurse Nina"}),
        ({"outcome": "failed"}, {"Dr Bob"}),
        ({"outcome": "alarm"}, set()),
        ({"tag": "medication:added"}, {"The patient"}),
        ({"person": "Nina", "outcome": "refused"}, {"Nurse Nina"}),
        ({"patient": "NUGWI", "person": "bob@example.org"}, {"Dr Bob"}),
        ({"patient": "ZZZZZ"}, set()),
        ({"person": "nobody@example.org"}, set()),
    ],
)
def test_it_filters(danas: Api, busy: str, query: dict[str, str], whos: set[str]) -> None:
    assert {one["who"] for one in search(danas, **query)} == whos


def test_it_filters_by_time(danas: Api, busy: str) -> None:
    now = clock.now()
    soon, past = now + timedelta(hours=1), now - timedelta(hours=1)
    assert search(danas, **{"from": past.isoformat(), "to": soon.isoformat()}) != []
    assert search(danas, **{"from": soon.isoformat()}) == []
    assert search(danas, to=past.isoformat()) == []


def test_pages_follow_each_other_without_a_gap(danas: Api, busy: str) -> None:
    whole = [one["id"] for one in search(danas, limit="100", tag="account:signed-in")]
    found, cursor = [], None
    for _ in whole:
        query = {"limit": "1", "tag": "account:signed-in"} | ({"cursor": cursor} if cursor else {})
        answer = danas.get("/audit", query_string=query).get_json()
        found += [one["id"] for one in answer["items"]]
        cursor = answer["next"]
    assert (found, cursor) == (whole, None)
    assert len(whole) > 1


def test_searching_is_an_event_and_stands_in_the_patients_log(
    people: Cast, danas: Api, api_of: ApiOf, busy: str
) -> None:
    search(danas, patient="NUGWI")
    latest = search(danas)[0]
    assert (latest["tag"], latest["patient"]) == ("audit:searched", "NUGWI")
    assert latest["details"] == {"filters": ["patient"]}
    mine = api_of(people.alice).get("/records/access-log?who=others").get_json()["items"]
    assert "Dana, administrator, Riverside, searched" in mine[0]["sentence"]


@pytest.mark.parametrize(
    "query",
    [
        {"outcome": "x"}, {"tag": "A"}, {"patient": "x"}, {"from": "2026-11-24"},
        {"from": "2026-11-24T00:00:00"},
        {"from": "2026-11-24T00:00:00Z", "to": "2026-11-23T00:00:00Z"},
        {"person": "x" * 255}, {"limit": "0"}, {"nonsense": "1"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(danas: Api, query: dict[str, str]) -> None:
    problem = assert_problem(danas.get("/audit", query_string=query), 422)
    assert "x" * 255 not in str(problem)


def test_the_page_shows_alarms_and_searches(
    app: Flask, database: Database, people: Cast, busy: str
) -> None:
    from medical_ai.audit import service as audit
    from medical_ai.audit.tags import AuditTag

    with database.unit_of_work() as session:
        audit.record(
            session,
            tag=AuditTag.AUDIT_ALARM,
            hospital_id=people.dana.actor.tenant_id,
            subject=("user", people.bob.user_id),
            details={"rule": "many-patients", "count": 44},
        )
    browser = Browser(app)
    browser.sign_in(people.dana)
    page = browser.open("/app/audit").get_data(as_text=True)
    assert "Opened the records of many patients within an hour" in page
    assert "Bob, counted 44" in page
    assert "Tried to open the patient&#39;s medicines and was refused" in page
    day = clock.now().date().isoformat()
    found = browser.open("/app/audit?patient=nugwi&from=2020-01-01&to=&outcome=refused&person=")
    assert "Nurse Nina" in found.get_data(as_text=True)
    wrong = browser.open(f"/app/audit?patient=x&from={day}&to=2020-01-01")
    assert wrong.status_code == 422
    assert "A patient&#39;s code has five letters or more" in wrong.get_data(as_text=True)
    assert browser.open("/app/audit?_external=1").status_code == 422


def test_alarms_of_another_hospital_are_not_shown(
    app: Flask, database: Database, people: Cast
) -> None:
    from medical_ai.audit import service as audit
    from medical_ai.audit.tags import AuditTag

    with database.unit_of_work() as session:
        audit.record(
            session,
            tag=AuditTag.AUDIT_ALARM,
            hospital_id=people.charlie.actor.tenant_id,
            subject=("user", people.charlie.user_id),
            details={"rule": "many-patients", "count": 44},
        )
    browser = Browser(app)
    browser.sign_in(people.dana)
    assert "Unusual access" not in browser.open("/app/audit").get_data(as_text=True)


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill", "charlie"])
def test_the_page_is_for_administrators(app: Flask, people: Cast, name: str) -> None:
    browser = Browser(app)
    browser.sign_in(getattr(people, name))
    assert browser.open("/app/audit").status_code == 403
