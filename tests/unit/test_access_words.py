"""The access log in plain words."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from medical_ai.audit.tags import AuditTag, Outcome, outcome_of
from medical_ai.core.ids import new_id
from medical_ai.mcp_tools.service import get_registry
from medical_ai.patients.schemas import Basis
from medical_ai.web.access_groups import days_of, groups_of
from medical_ai.web.access_log import AccessRead
from medical_ai.web.access_words import (
    DEEDS,
    PATIENT,
    REASONS,
    STAFF,
    TOOLS,
    WAYS,
    Deed,
    spoken_day,
    spoken_deed,
    spoken_moment,
    spoken_name,
    spoken_own_deed,
    spoken_reason,
)

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


def deed(tag: AuditTag, basis: str = "", via: str = "api", **more: str) -> Deed:
    """Return a deed."""
    return Deed(tag.value, basis, via, more.get("resource", ""), more.get("tool", ""))


def test_every_tag_has_its_words() -> None:
    assert set(DEEDS) == {tag.value for tag in AuditTag}


def test_every_basis_and_every_way_has_its_words() -> None:
    assert {basis.value for basis in Basis} <= set(REASONS)
    assert {"caregiver", "proxy", "break-glass"} <= set(REASONS)
    assert {"api", "web", "token", "mcp", "cli", "worker"} <= set(WAYS)


def test_every_tool_has_its_words() -> None:
    assert set(get_registry().tools) <= set(TOOLS)


@pytest.mark.parametrize("tag", list(AuditTag))
def test_every_tag_by_every_basis_and_way_makes_plain_words(tag: AuditTag) -> None:
    for basis, via, audience in product(REASONS, WAYS, (PATIENT, STAFF)):
        one = deed(tag, basis, via, resource="medication")
        said = spoken_deed(one, audience) + " " + spoken_reason(one, audience)
        assert not set("{}<>_:") & set(said)
        assert said.strip() == said.strip().replace("  ", " ")
        assert "!" not in said
    own = spoken_own_deed(deed(tag, "own", resource="medication"))
    assert own.startswith(("You ", "The assistant "))
    assert "You was" not in own


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (deed(AuditTag.RECORD_VIEWED, resource="observation"), "saw your laboratory results"),
        (deed(AuditTag.RECORD_VIEWED, resource="no-such"), "saw your record"),
        (deed(AuditTag.RECORD_VIEWED, resource="chat"), "used the assistant with your record"),
        (
            deed(AuditTag.ACCESS_REFUSED, resource="medication"),
            "tried to open your medicines and was refused",
        ),
        (
            deed(AuditTag.TOOL_CALLED, tool="get_next_dose"),
            "had the assistant look up your next dose",
        ),
        (
            deed(AuditTag.TOOL_CALLED, tool="get_lab_results"),
            "had the assistant look up your lab results",
        ),
    ],
)
def test_deeds_are_told_of_the_part_they_are_about(one: Deed, expected: str) -> None:
    assert spoken_deed(one, PATIENT) == expected


def test_ones_own_doings_and_the_assistants_are_told_as_such() -> None:
    tool = deed(AuditTag.TOOL_CALLED, "own", tool="get_medications")
    assert spoken_own_deed(tool) == "The assistant looked up your medicines for you"
    refused = deed(AuditTag.ACCESS_REFUSED, resource="medication")
    assert spoken_own_deed(refused) == "You tried to open your medicines and were refused"


@pytest.mark.parametrize(
    ("basis", "via", "expected"),
    [
        ("care-team", "api", "in your care team"),
        ("ward", "web", "on your ward"),
        ("break-glass", "web", "in an emergency, without being in your care team"),
        ("caregiver", "mcp", "as your caregiver, with your consent, through another assistant"),
        ("own", "api", ""),
    ],
)
def test_reasons_are_told(basis: str, via: str, expected: str) -> None:
    assert spoken_reason(deed(AuditTag.RECORD_VIEWED, basis, via), PATIENT) == expected


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("Bob", "doctor", "Dr Bob"),
        ("Dr Bob", "doctor", "Dr Bob"),
        ("{name} {0}", "nurse", "Nurse {name} {0}"),
        ("Alice", "patient", "Alice"),
        (None, "doctor", "A doctor"),
        (None, "", "Somebody"),
    ],
)
def test_people_are_called_by_name_and_title(name: str | None, role: str, expected: str) -> None:
    assert spoken_name(name, role) == expected


@pytest.mark.parametrize(
    ("back", "expected"),
    [(0, "today"), (1, "yesterday"), (2, "22 November"), (400, "20 October 2025")],
)
def test_days_are_told_as_one_says_them(back: int, expected: str) -> None:
    today = date(2026, 11, 24)
    assert spoken_day(today - timedelta(days=back), today) == expected


def test_moments_are_told_as_one_says_them() -> None:
    assert spoken_moment(NOW, date(2026, 11, 25)) == "yesterday 14:02"


@pytest.mark.parametrize(
    ("tag", "outcome"),
    [
        ("access:refused", Outcome.REFUSED),
        ("account:sign-in:failed", Outcome.FAILED),
        ("audit:alarm", Outcome.ALARM),
        ("medication:added", Outcome.DONE),
    ],
)
def test_a_tag_says_what_became_of_it(tag: str, outcome: Outcome) -> None:
    assert outcome_of(tag) is outcome


BOB = new_id()


def look(minutes_ago: int, *, person_id: UUID = BOB, did: str = "saw your medicines") -> AccessRead:
    """Return a look at the record."""
    return AccessRead(
        id=new_id(), at=NOW - timedelta(minutes=minutes_ago), tag="patient:record:viewed",
        outcome=Outcome.DONE, resource="medication", basis="care-team", via="web", is_own=False,
        person_id=person_id, who="Dr Bob", role="doctor", hospital="City Hospital", did=did,
        why="in your care team", sentence="",
    )  # fmt: skip


def test_repeated_looks_of_one_sitting_are_told_once() -> None:
    groups = groups_of([look(0), look(10), look(35), look(90)], "UTC")
    assert [group.times for group in groups] == [3, 1]
    assert [group.spoken for group in groups] == ["3 times, 13:27 to 14:02", "12:32"]


def test_different_looks_are_told_apart() -> None:
    looks = [look(0), look(1, person_id=new_id()), look(2), look(3, did="saw your documents")]
    assert [group.times for group in groups_of(looks, "UTC")] == [1, 1, 1, 1]


def test_days_are_those_of_the_patients_own_clock() -> None:
    days = days_of([look(0), look(60)], zone="Asia/Tokyo", today=date(2026, 11, 24))
    assert [(day.title, len(day.groups)) for day in days] == [("Today", 2)]
    before = days_of([look(14 * 60)], zone="UTC", today=date(2026, 11, 25))
    assert before[0].title == "Yesterday"
    older = days_of([look(14 * 60)], zone="UTC", today=date(2026, 11, 29))
    assert older[0].title == "Tuesday, 24 November"
