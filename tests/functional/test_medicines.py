"""Medicines and doses over HTTP, step by step through a patient's day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.support.http import Api, assert_problem

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
# Seven in the morning in Berlin, on a Saturday.
MORNING = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
AMLODIPINE = {
    "name": "Amlodipine 5 mg",
    "instructions": "1 tablet, with or without food",
    "schedules": [{"kind": "times", "times": ["08:00", "20:00"]}],
}


@pytest.fixture(autouse=True)
def morning(api: Api) -> Iterator[None]:
    """Let it be morning, before anybody signs in."""
    with time_machine.travel(MORNING, tick=True):
        yield


def add(api: Api, **changes: Any) -> Any:
    """Add a medicine and return it."""
    response = api.post("/medications", AMLODIPINE | changes)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.get_json()


def doses_today(api: Api) -> list[dict[str, Any]]:
    """Return today's doses."""
    found: list[dict[str, Any]] = api.get("/doses").get_json()["items"]
    return found


@BOTH
def test_a_new_medicine_is_on_the_list_with_todays_doses(alices: Api) -> None:
    added = add(alices)
    assert added["schedules"][0]["zone"] == "Europe/Berlin"
    assert alices.get(f"/medications/{added['id']}").get_json() == added
    assert [one["id"] for one in alices.get("/medications").get_json()["items"]] == [added["id"]]
    doses = doses_today(alices)
    assert [dose["due_local"] for dose in doses] == ["2026-11-21T08:00", "2026-11-21T20:00"]
    assert [dose["due_at"] for dose in doses] == ["2026-11-21T07:00:00Z", "2026-11-21T19:00:00Z"]
    assert {dose["status"] for dose in doses} == {"planned"}


@BOTH
def test_a_dose_is_marked_taken_and_stands_in_the_history(alices: Api) -> None:
    add(alices)
    first = doses_today(alices)[0]
    taken = alices.post(f"/doses/{first['id']}/taken")
    assert (taken.status_code, taken.get_json()["status"]) == (200, "taken")
    with time_machine.travel(MORNING + timedelta(days=1), tick=True):
        query = "from=2026-11-21T00:00:00%2B01:00&to=2026-11-22T00:00:00%2B01:00"
    history = alices.get(f"/doses?{query}").get_json()["items"]
    assert [dose["status"] for dose in history] == ["taken", "planned"]
    assert history[0]["answered_at"].startswith("2026-11-21T06:0")


def test_a_dose_is_skipped(alices: Api) -> None:
    add(alices)
    first = doses_today(alices)[0]
    assert alices.post(f"/doses/{first['id']}/skipped").get_json()["status"] == "skipped"
    assert alices.get(f"/doses/{first['id']}").get_json()["status"] == "skipped"


def test_new_times_move_the_doses(alices: Api) -> None:
    added = add(alices)
    changed = alices.patch(
        f"/medications/{added['id']}", {"schedules": [{"kind": "times", "times": ["09:15"]}]}
    )
    assert changed.get_json()["summary"] == "every day at 09:15"
    assert [dose["due_local"] for dose in doses_today(alices)] == ["2026-11-21T09:15"]


def test_weekdays_are_kept(alices: Api) -> None:
    add(alices, schedules=[{"kind": "times", "times": ["08:00"], "days": ["sun", "mon", "sun"]}])
    query = "from=2026-11-21T00:00:00Z&to=2026-11-24T00:00:00Z"
    found = alices.get(f"/doses?{query}").get_json()["items"]
    assert [dose["due_local"] for dose in found] == [
        "2026-11-22T08:00",
        "2026-11-23T08:00",
    ]


def test_a_stopped_medicine_is_off_the_list(alices: Api) -> None:
    added = add(alices)
    assert alices.delete(f"/medications/{added['id']}").status_code == 204
    assert alices.get("/medications").get_json()["items"] == []
    assert doses_today(alices) == []
    assert_problem(alices.get(f"/medications/{added['id']}"), 404)
    assert_problem(alices.patch(f"/medications/{added['id']}", {"name": "x"}), 409)


def test_a_dose_far_ahead_cannot_be_answered(alices: Api) -> None:
    add(alices)
    query = "from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z"
    far = alices.get(f"/doses?{query}").get_json()["items"][0]
    assert_problem(alices.post(f"/doses/{far['id']}/taken"), 409)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-11-21T00:00:00",
        "from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z",
        "from=2026-01-01T00:00:00Z&to=2026-11-21T00:00:00Z",
        "from=2026-11-21T00:00:00Z&from=2026-11-22T00:00:00Z",
        "until=2026-11-21T00:00:00Z",
        "to=0001-01-01T00:00:00Z",
        "from=0001-01-01T00:00:00%2B14:00",
        "from=9999-12-31T23:59:59Z",
        "from=9999-12-31T23:59:59-14:00",
        "from=1e400",
    ],
)
def test_a_span_that_makes_no_sense_is_refused(alices: Api, query: str) -> None:
    assert_problem(alices.get(f"/doses?{query}"), 422)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 201},
        {"name": "line\nbreak"},
        {"name": 5},
        {"schedules": []},
        {"schedules": [{"kind": "times", "times": []}]},
        {"schedules": [{"kind": "times", "times": ["8:00"]}]},
        {"schedules": [{"kind": "times", "times": ["24:00"]}]},
        {"schedules": [{"kind": "times", "times": ["08:00", "08:00"]}]},
        {"schedules": [{"kind": "times", "times": ["08:00"], "days": []}]},
        {"schedules": [{"kind": "times", "times": ["08:00"], "days": ["caturday"]}]},
        {"schedules": [{"kind": "rrule", "rule": "FREQ=SECONDLY"}]},
        {"start_on": "2026-11-30", "end_on": "2026-11-29"},
        {"start_on": "tomorrow"},
        {"start_on": "0"},
        {"start_on": "2026-02-30"},
        {"end_on": "2020-01-01"},
        {"patient_id": "0198c0de-0000-7000-8000-000000000000"},
        {"user_id": "0198c0de-0000-7000-8000-000000000000"},
    ],
)
def test_a_medicine_that_makes_no_sense_is_refused(alices: Api, changes: dict[str, Any]) -> None:
    problem = assert_problem(alices.post("/medications", AMLODIPINE | changes), 422)
    assert problem["errors"]
    assert alices.get("/medications").get_json()["items"] == []


@BOTH
@pytest.mark.parametrize("start_on", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_accepted_or_refused_but_no_fault(
    alices: Api, start_on: str
) -> None:
    assert alices.post("/medications", AMLODIPINE | {"start_on": start_on}).status_code < 500


def test_one_time_written_in_two_ways_is_no_fault(alices: Api) -> None:
    schedule = {"kind": "times", "times": ["08:00", "08:00:00"]}
    assert_problem(alices.post("/medications", AMLODIPINE | {"schedules": [schedule]}), 422)


def test_two_schedules_with_the_same_time_give_one_dose(alices: Api) -> None:
    schedule = {"kind": "times", "times": ["08:00"]}
    add(alices, schedules=[schedule, schedule])
    assert [dose["due_local"] for dose in doses_today(alices)] == ["2026-11-21T08:00"]
