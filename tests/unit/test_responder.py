"""Rows to sentences: every claim has its row, and what was looked at is said."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from medical_ai.assistant.responder import Reply, Whose, respond
from medical_ai.medications.ledger import MAX_LISTED
from medical_ai.medications.schedule import WEEKDAYS
from tests.unit.test_intents import KINDS

ZONE = ZoneInfo("Europe/Berlin")
NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
AMLODIPINE, METFORMIN, WARFARIN = "Amlodipine 5 mg", "Metformin 500 mg", "Warfarin 3 mg"
Row = dict[str, Any]
OWN = re.compile(r"\b[Yy]our\b(?= (own |medicine )?(record|list|next|medicine|dose))")


def medicine(name: str, *times: str, days: Sequence[str] = WEEKDAYS) -> Row:
    """Return a row of the medicine list."""
    times = times or ("08:00", "20:00")
    return {
        "id": f"medication:{name}",
        "url": f"/medications/{name}",
        "name": name,
        "instructions": "",
        "summary": f"every day at {' and '.join(times)}",
        "schedules": [{"times": list(times), "days": list(days)}],
        "start_on": "2026-01-01",
        "end_on": None,
    }


def dose(
    name: str, local: str, status: str, answered: str | None = None, zone: ZoneInfo = ZONE
) -> Row:
    """Return a row of the ledger."""
    return {
        "id": f"dose:{name}:{local}",
        "url": f"/doses/{name}/{local}",
        "medication": name,
        "status": status,
        "due_at": datetime.fromisoformat(local).replace(tzinfo=zone).isoformat(),
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
    """A record with two medicines, a stopped one, and two days of doses."""
    return Tools(
        [medicine(AMLODIPINE), medicine(METFORMIN, "08:30", "21:00")],
        [
            dose(AMLODIPINE, "2026-11-20T08:00", "taken", "2026-11-20T08:06"),
            dose(METFORMIN, "2026-11-20T08:30", "taken", "2026-11-20T09:00"),
            dose(WARFARIN, "2026-11-20T18:30", "skipped", "2026-11-20T18:31"),
            dose(AMLODIPINE, "2026-11-20T20:00", "taken", "2026-11-21T00:06"),
            dose(METFORMIN, "2026-11-20T21:00", "missed"),
            dose(WARFARIN, "2026-11-21T07:00", "taken", "2026-11-21T07:01"),
            dose(AMLODIPINE, "2026-11-21T08:00", "taken", "2026-11-21T08:04"),
            dose(METFORMIN, "2026-11-21T08:30", "sent"),
            dose(AMLODIPINE, "2026-11-21T20:00", "planned"),
            dose(METFORMIN, "2026-11-21T21:00", "planned"),
        ],
    )


def ask(text: str, tools: Tools) -> Reply:
    """Ask a question about the record."""
    return respond(text, zone=ZONE, call_tool=tools)


def test_the_next_dose_is_told_with_its_proof(tools: Tools) -> None:
    reply = ask("When is my next dose?", tools)
    assert AMLODIPINE in reply.text
    assert "20:00" in reply.text
    assert [one.quote for one in reply.citations] == ["2026-11-21T08:30", "2026-11-21T20:00"]


def test_what_is_due_and_not_marked_is_told_before_the_next_dose(tools: Tools) -> None:
    reply = ask("When is my next metformin?", tools)
    assert reply.text.index("08:30") < reply.text.index("today at **21:00**")
    assert "Due and not marked" in reply.text


def test_the_next_dose_of_a_named_medicine_is_told(tools: Tools) -> None:
    reply = ask("When is my next dose of metformin?", tools)
    assert METFORMIN in reply.text
    assert AMLODIPINE not in reply.text


@pytest.mark.parametrize("status", ["taken", "skipped"])
def test_an_answered_dose_is_not_the_next(tools: Tools, status: str) -> None:
    tools.doses[8]["status"] = status
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


@pytest.mark.parametrize("other", ["ramipril", "insulin", "amiodarone"])
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


def test_missed_doses_are_counted_and_never_answered_with_yes(tools: Tools) -> None:
    reply = ask("did I miss any doses yesterday", tools)
    assert reply.text.startswith("2 of 5 doses yesterday are not marked as taken:")
    assert "18:30 **Warfarin 3 mg**: marked as skipped" in reply.text
    assert "21:00 **Metformin 500 mg**: not marked" in reply.text
    assert "Looked at: yesterday, Friday 20 November." in reply.text
    assert len(reply.citations) == 5


@pytest.mark.parametrize("status", ["taken", "skipped", "missed"])
def test_a_single_dose_that_may_be_missed_is_told_without_yes_or_no(status: str) -> None:
    record = Tools([medicine(AMLODIPINE)], [dose(AMLODIPINE, "2026-11-20T08:00", status)])
    reply = ask("did I miss my amlodipine yesterday", record)
    assert reply.text.startswith("The 08:00 dose of **Amlodipine 5 mg** yesterday is")


def test_everything_is_answered_with_a_count(tools: Tools) -> None:
    reply = ask("did I take everything today", tools)
    assert reply.text.startswith("2 of 3 doses due so far today are marked as taken; 2 are still")
    assert ask("did I take all my pills this morning", tools).text.startswith("2 of 3 doses")


def test_a_dose_to_come_is_not_called_open_nor_taken(tools: Tools) -> None:
    reply = ask("have i had my amlodipine today", tools)
    assert reply.text.startswith("Yes: the 08:00 dose")
    assert "Still to come:\n\n- 20:00" in reply.text


def test_a_planned_dose_whose_time_is_over_is_not_still_to_come() -> None:
    record = Tools([medicine(AMLODIPINE)], [dose(AMLODIPINE, "2026-11-21T08:00", "planned")])
    assert "is not marked" in ask("did i take my amlodipine today", record).text


def test_the_dose_of_a_stopped_medicine_is_found_in_the_ledger(tools: Tools) -> None:
    reply = ask("did i take my warfarin today", tools)
    assert reply.text.startswith("Yes: the 07:00 dose of **Warfarin 3 mg** is marked as taken")
    assert "not on your list now" in ask("am i on warfarin", tools).text


def test_a_name_that_is_nowhere_is_said_with_where_it_was_looked_for(tools: Tools) -> None:
    reply = ask("did i take my ramipril today", tools)
    assert "no medicine by that name" in reply.text
    assert "your medicine list and the doses of today, Saturday 21 November" in reply.text
    assert "get_doses" in tools.called


def test_a_second_name_that_is_nowhere_is_not_passed_over(tools: Tools) -> None:
    reply = ask("did i take my amlodipine and my ramipril this morning", tools)
    assert "nothing by the other name" in reply.text


def test_two_medicines_with_one_word_are_both_told() -> None:
    strong = "Metformin 1000 mg"
    rows = [dose(METFORMIN, "2026-11-21T08:00", "taken"), dose(strong, "2026-11-21T08:30", "sent")]
    reply = ask("did i take my metformin today", Tools([medicine(METFORMIN)], rows))
    assert reply.text.startswith("1 of 2 doses today")


def test_a_name_that_was_guessed_is_said(tools: Tools) -> None:
    assert ask("did i take my amlodapine today", tools).text.startswith("I take it you mean **Aml")


def test_a_medicine_known_by_what_it_is_for_is_not_guessed(tools: Tools) -> None:
    reply = ask("did i take my blood pressure tablets today", tools)
    assert reply.text.startswith("The record does not say what a medicine is for")


@pytest.mark.parametrize(
    "question",
    [
        "have i had a heart attack",
        "did I take the dog out",
        "have i had lunch",
        "has my mum taken her tablets",
        "what can I take for chest pain",
        "i have a headache, what can i take",
        "is it safe to take ibuprofen",
        "can i drink wine with metformin",
        "are you a doctor",
        "is my data private",
        "thanks",
        "i missed a dose what should i do",
        "did i take my pills in March",
    ],
)
def test_what_is_not_about_the_record_is_not_answered_from_it(tools: Tools, question: str) -> None:
    reply = ask(question, tools)
    assert reply.citations == []
    assert AMLODIPINE not in reply.text
    assert METFORMIN not in reply.text


def test_advice_is_refused_and_the_plan_told(tools: Tools) -> None:
    reply = ask("should I take my metformin tonight", tools)
    assert reply.text.startswith("I cannot advise on that yet.")
    assert [one.quote for one in reply.citations] == ["2026-11-21T21:00"]


@pytest.mark.parametrize(
    "message",
    ["i just took my metformin", "mark my metformin as taken", "please log my metformin"],
)
def test_a_patient_is_not_left_to_think_it_is_recorded(tools: Tools, message: str) -> None:
    reply = ask(message, tools)
    assert reply.text.startswith("I cannot record or change anything, so nothing was recorded.")
    assert "**Today**" in reply.text
    assert reply.citations[0].quote == "2026-11-21T08:30"


@pytest.mark.parametrize("message", ["remind me at 8", "add ibuprofen", "stop my metformin"])
def test_nothing_is_changed_by_asking(tools: Tools, message: str) -> None:
    assert "nothing was changed" in ask(message, tools).text
    assert tools.called == []


def test_what_is_left_of_the_day_is_told(tools: Tools) -> None:
    assert ask("am i done for today", tools).text.startswith("3 doses are left today")
    for row in tools.doses:
        row["status"] = "taken"
    assert ask("what's left for today", tools).text.startswith("Nothing is left today: 5 of 5")


def test_a_usual_time_is_told_from_the_list(tools: Tools) -> None:
    reply = ask("what do i take in the morning", tools)
    assert "- 08:00 **Amlodipine 5 mg**\n- 08:30 **Metformin 500 mg**" in reply.text
    assert "20:00" not in reply.text
    assert [one.quote for one in reply.citations] == [AMLODIPINE, METFORMIN]


def test_a_day_to_come_is_told_from_the_list_on_its_weekday() -> None:
    record = Tools([medicine("Methotrexate 10 mg", "09:00", days=["mon"]), medicine(AMLODIPINE)])
    monday = ask("what do i take on monday", record)
    assert "on Monday 23 November" in monday.text
    assert "Methotrexate" in monday.text
    assert "Methotrexate" not in ask("what do i take tomorrow", record).text
    assert "By your list" in ask("when is my next methotrexate", record).text


def test_a_few_words_are_about_a_medicine_on_the_list(tools: Tools) -> None:
    assert "21:00 **Metformin 500 mg**" in ask("metformin tonight?", tools).text
    assert "every day at 08:30" in ask("metformin", tools).text


def test_other_days_are_spoken(tools: Tools) -> None:
    reply = ask("did i take my warfarin on friday", tools)
    assert "yesterday is marked as skipped, yesterday at 18:31" in reply.text
    evening = ask("did i take my pills yesterday evening", tools)
    assert "- 20:00 **Amlodipine 5 mg**: marked as taken, today at 00:06" in evening.text


def test_the_last_dose_that_was_taken_is_found(tools: Tools) -> None:
    reply = ask("when did i last take my metformin", tools)
    assert "yesterday at 09:00" in reply.text
    assert [one.quote for one in reply.citations] == ["taken"]


def test_what_cannot_be_counted_whole_is_not_counted() -> None:
    rows = [dose(AMLODIPINE, "2026-11-21T08:00", "taken")] * MAX_LISTED
    reply = ask("did i take my pills today", Tools([medicine(AMLODIPINE)], rows))
    assert "too many doses" in reply.text
    assert reply.citations == []


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/Los_Angeles"])
def test_far_from_utc_today_is_the_patients_day(zone: str) -> None:
    there = ZoneInfo(zone)
    with time_machine.travel(datetime(2026, 11, 21, 21, 30, tzinfo=there), tick=False):
        record = Tools(
            [medicine(AMLODIPINE)],
            [
                dose(AMLODIPINE, f"2026-11-{day}T20:00", status, zone=there)
                for day, status in ((20, "skipped"), (21, "taken"), (22, "planned"))
            ],
        )
        reply = respond("did i take my amlodipine today", zone=there, call_tool=record)
        assert reply.text.startswith("Yes: the 20:00 dose")
        assert "today, Saturday 21 November" in reply.text
        upcoming = respond("when is my next dose", zone=there, call_tool=record)
        assert "tomorrow at **20:00**" in upcoming.text


@pytest.mark.parametrize("question", ["What can you do?", "did Mrs Smith take her pills"])
def test_staff_without_a_patients_record_are_told_what_works(tools: Tools, question: str) -> None:
    reply = respond(question, zone=None, call_tool=tools)
    assert "no patient's record is open" in reply.text
    assert tools.called == []


@given(st.text(max_size=300))
def test_any_text_gets_an_answer_and_no_unproven_claim(text: str) -> None:
    record = Tools([medicine(AMLODIPINE)], [dose(AMLODIPINE, "2026-11-21T20:00", "planned")])
    reply = ask(text, record)
    assert reply.text
    assert AMLODIPINE not in reply.text or reply.citations


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ("What is she taking?", "What am I taking?"),
        ("what's he taking", "what am i taking"),
        (
            "Did the patient take her metformin this morning?",
            "Did I take my metformin this morning?",
        ),
        ("Has she taken everything today?", "Have I taken everything today?"),
        ("When is the patient's next dose?", "When is my next dose?"),
        ("Which doses did he miss yesterday?", "Which doses did I miss yesterday?"),
        ("does she take warfarin", "do i take warfarin"),
    ],
)
def test_who_asks_about_the_open_record_is_answered_as_its_owner_would_be(
    tools: Tools, asked: str, own: str
) -> None:
    reply = respond(asked, zone=ZONE, call_tool=tools, whose=Whose.OTHER)
    owners = ask(own, tools)
    assert reply.citations == owners.citations
    assert reply.citations
    assert reply.text == OWN.sub(
        lambda said: "The patient's" if said[0] == "Your" else "the patient's", owners.text
    )


@pytest.mark.parametrize("question", [one for known in KINDS.values() for one in known])
@pytest.mark.parametrize("is_empty", [False, True])
def test_anothers_medicines_are_never_called_ones_own(
    tools: Tools, question: str, is_empty: bool
) -> None:
    record = Tools() if is_empty else tools
    reply = respond(question, zone=ZONE, call_tool=record, whose=Whose.OTHER)
    assert not OWN.search(reply.text)
    assert "press" not in reply.text  # it would be on the page of one's own medicines


@pytest.mark.parametrize("question", ["has my mum taken her tablets", "is my husband on warfarin"])
def test_somebody_who_is_named_may_be_another_than_the_patient(tools: Tools, question: str) -> None:
    reply = respond(question, zone=ZONE, call_tool=tools, whose=Whose.OTHER)
    assert "nothing up about anybody else" in reply.text
    assert tools.called == []
