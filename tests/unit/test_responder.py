"""Questions to intents, and rows to sentences: nothing that no row says."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from medical_ai.assistant.intents import DayPart, IntentKind, read_intent
from medical_ai.assistant.responder import Reply, respond

ZONE = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
AMLODIPINE, METFORMIN = "Amlodipine 5 mg", "Metformin 500 mg"
Row = dict[str, Any]


def medicine(name: str) -> Row:
    """Return a row of the medicine list."""
    return {
        "id": f"medication:{name}",
        "url": f"/medications/{name}",
        "name": name,
        "instructions": "",
        "summary": "every day at 08:00 and 20:00",
    }


def dose(name: str, local: str, status: str, answered: str | None = None) -> Row:
    """Return a row of the ledger."""
    return {
        "id": f"dose:{name}:{local}",
        "url": f"/doses/{name}/{local}",
        "medication": name,
        "status": status,
        "due_at": f"{local}:00+01:00",
        "due_local": local,
        "answered_local": answered,
    }


class Tools:
    """Tools that answer from rows made up for a test, and remember what was asked."""

    def __init__(self, medicines: Sequence[Row] = (), doses: Sequence[Row] = ()) -> None:
        self.medicines, self.doses = list(medicines), list(doses)
        self.called: list[str] = []

    def __call__(self, name: str, arguments: dict[str, Any]) -> Sequence[Row]:
        self.called.append(name)
        if name == "get_medications":
            return self.medicines
        if name == "get_next_dose":
            return [row for row in self.doses if row["status"] == "planned"][:1]
        start, end = arguments["start"], arguments["end"]
        return [r for r in self.doses if start <= datetime.fromisoformat(r["due_at"]) < end]


@pytest.fixture(autouse=True)
def nine_in_the_morning() -> Iterator[None]:
    """Let it be nine in Berlin."""
    with time_machine.travel(NINE, tick=False):
        yield


@pytest.fixture
def tools() -> Tools:
    """A record with two medicines and a day of doses."""
    return Tools(
        [medicine(AMLODIPINE), medicine(METFORMIN)],
        [
            dose(AMLODIPINE, "2026-11-21T08:00", "taken", "2026-11-21T08:04"),
            dose(METFORMIN, "2026-11-21T08:30", "sent"),
            dose(AMLODIPINE, "2026-11-21T20:00", "planned"),
            dose(METFORMIN, "2026-11-21T21:00", "planned"),
        ],
    )


def ask(text: str, tools: Tools) -> Reply:
    """Ask a question about the record."""
    return respond(text, zone=ZONE, call_tool=tools)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("When is my next dose?", IntentKind.NEXT_DOSE),
        ("what time do I take my pills", IntentKind.NEXT_DOSE),
        ("when's the next tablet due?", IntentKind.NEXT_DOSE),
        ("What am I taking?", IntentKind.MEDICINES),
        ("list my medications", IntentKind.MEDICINES),
        ("which drugs am I on", IntentKind.MEDICINES),
        ("Did I take my medicine this morning?", IntentKind.WAS_TAKEN),
        ("Have I taken amlodipine today", IntentKind.WAS_TAKEN),
        ("was my evening pill marked", IntentKind.WAS_TAKEN),
        ("what pills are left today", IntentKind.DOSES_OF_DAY),
        ("hello", IntentKind.HELP),
        ("What can you do?", IntentKind.HELP),
        ("", IntentKind.UNKNOWN),
        ("tell me a joke about cheese", IntentKind.UNKNOWN),
        ("病院はどこですか", IntentKind.UNKNOWN),
    ],
)
def test_questions_are_understood_or_left_alone(text: str, kind: IntentKind) -> None:
    assert read_intent(text).kind is kind


@pytest.mark.parametrize(
    ("text", "days_back", "part"),
    [
        ("did i take my pill this morning", 0, DayPart.MORNING),
        ("did i take my pill yesterday evening", 1, DayPart.EVENING),
        ("did i take my pill last night", 1, DayPart.NIGHT),
        ("what pills are due tomorrow", -1, None),
        ("did i take it at lunch", 0, DayPart.NOON),
    ],
)
def test_the_time_that_is_meant_is_understood(
    text: str, days_back: int, part: DayPart | None
) -> None:
    intent = read_intent(text)
    assert (intent.days_back, intent.part) == (days_back, part)


def test_the_next_dose_is_told_with_its_proof(tools: Tools) -> None:
    reply = ask("When is my next dose?", tools)
    assert AMLODIPINE in reply.text
    assert "20:00" in reply.text
    assert [one.quote for one in reply.citations] == ["2026-11-21T20:00"]


def test_the_next_dose_of_a_named_medicine_is_told(tools: Tools) -> None:
    reply = ask("When is my next dose of metformin?", tools)
    assert METFORMIN in reply.text
    assert AMLODIPINE not in reply.text


@pytest.mark.parametrize("status", ["taken", "skipped"])
def test_an_answered_dose_is_not_the_next(tools: Tools, status: str) -> None:
    tools.doses[2]["status"] = status
    tools.doses.append(dose(AMLODIPINE, "2026-11-22T08:00", "planned"))
    reply = ask("When is my next dose of amlodipine?", tools)
    assert [one.quote for one in reply.citations] == ["2026-11-22T08:00"]


def test_the_list_is_told_with_a_proof_for_each(tools: Tools) -> None:
    reply = ask("What am I taking?", tools)
    assert [one.quote for one in reply.citations] == [AMLODIPINE, METFORMIN]


def test_a_dose_that_was_taken_is_told_with_its_time(tools: Tools) -> None:
    reply = ask("Did I take my amlodipine this morning?", tools)
    assert reply.text.startswith("Yes")
    assert "08:04" in reply.text
    assert [one.quote for one in reply.citations] == ["taken"]


def test_not_marked_is_not_called_not_taken(tools: Tools) -> None:
    reply = ask("Did I take my metformin this morning?", tools)
    assert not reply.text.startswith(("Yes", "No"))
    assert "not take it again" in reply.text


@pytest.mark.parametrize("typo", ["amlodipin", "amlodpine", "Amlodipine", "AMLODIPINE"])
def test_a_misspelt_name_is_understood(tools: Tools, typo: str) -> None:
    assert AMLODIPINE in ask(f"Did I take my {typo} this morning?", tools).text


@pytest.mark.parametrize("other", ["warfarin", "insulin", "amiodarone"])
def test_a_medicine_that_is_not_listed_is_not_mistaken_for_one_that_is(
    tools: Tools, other: str
) -> None:
    for question in (f"Did I take my {other} this morning?", f"When is my next {other} dose?"):
        reply = ask(question, tools)
        assert reply.citations == []
        assert AMLODIPINE not in reply.text
        assert METFORMIN not in reply.text


@pytest.mark.parametrize(
    "question", ["When is my next dose?", "What am I taking?", "Did I take my pill today?"]
)
def test_an_empty_record_makes_no_claim(question: str) -> None:
    reply = ask(question, Tools())
    assert reply.text
    assert reply.citations == []


def test_without_a_record_nothing_is_looked_up(tools: Tools) -> None:
    reply = respond("What am I taking?", zone=None, call_tool=tools)
    assert reply.citations == []
    assert tools.called == []


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_and_no_unproven_claim(text: str) -> None:
    record = Tools([medicine(AMLODIPINE)], [dose(AMLODIPINE, "2026-11-21T20:00", "planned")])
    reply = ask(text, record)
    assert reply.text
    assert AMLODIPINE not in reply.text or reply.citations
