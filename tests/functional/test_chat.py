"""The assistant over HTTP: answers with proof, as JSON and as a stream."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from medical_ai.assistant import service, streaming
from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core.database import Database
from tests.functional.test_medicines import AMLODIPINE, add, doses_today
from tests.support.http import EVENTS, Api, assert_problem, events_of, signed_in
from tests.support.people import Person, record_of

# Seven and nine in the morning in Berlin.
SEVEN = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
NINE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EMERGENCY = "I have crushing chest pain and my left arm hurts"
QUESTIONS = (
    ("When is my next dose?", "get_next_dose", "20:00"),
    ("What am I taking?", "get_medications", "Amlodipine 5 mg"),
    ("Did I take my medicine this morning?", "get_doses", "taken"),
)
BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)


@pytest.fixture
def asking(app: Flask, alice: Person) -> Iterator[Api]:
    """Alice at nine, with one dose taken."""
    with time_machine.travel(SEVEN, tick=True):
        hers = signed_in(app, alice)
        add(hers)
        assert hers.post(f"/doses/{doses_today(hers)[0]['id']}/taken").status_code == 200
    with time_machine.travel(NINE, tick=True):
        yield signed_in(app, alice)


def ask(api: Api, message: str, **more: Any) -> Any:
    """Ask and return the whole answer."""
    response = api.post("/chat/message", {"message": message} | more)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


@BOTH
@pytest.mark.parametrize(("question", "tool", "expected"), QUESTIONS)
def test_every_answer_is_proven_by_what_it_cites(
    asking: Api, question: str, tool: str, expected: str
) -> None:
    answer = ask(asking, question)
    assert expected in answer["reply"]
    assert answer["citations"]
    for citation in answer["citations"]:
        cited = asking.get(citation["url"])
        assert cited.status_code == 200
        assert citation["quote"] in cited.get_data(as_text=True)
    receipt = answer["receipt"]
    assert (receipt["responder"], receipt["left_machine"]) == ("embedded", False)
    assert tool in [use["name"] for use in receipt["tools"]]
    assert sum(use["rows"] for use in receipt["tools"]) >= len(answer["citations"])
    assert receipt["elapsed_ms"] >= 0


def test_no_row_no_claim(asking: Api) -> None:
    answer = ask(asking, "Did I take my warfarin this morning?")
    assert answer["citations"] == []
    assert "amlodipine" not in answer["reply"].lower()


@BOTH
def test_an_emergency_comes_before_everything_else(asking: Api) -> None:
    answer = ask(asking, EMERGENCY)
    assert answer["triage"]["level"] == "emergency"
    assert answer["triage"]["rules"]
    assert "112" in answer["reply"]
    assert answer["receipt"]["tools"] == []


def test_the_log_tells_of_an_emergency_and_not_of_what_kind(
    asking: Api, database: Database
) -> None:
    rules = ask(asking, EMERGENCY)["triage"]["rules"]
    with database.reading() as session:
        events = session.scalars(
            select(AuditEvent).where(AuditEvent.tag == AuditTag.EMERGENCY_ADVISED.value)
        )
        (event,) = events.all()
    assert event.subject_kind == "conversation"
    assert [rule for rule in rules if rule in str(event.details)] == []


def test_both_addresses_give_the_same_answer(asking: Api) -> None:
    answers = []
    for path in ("/chat/message", "/api/chat/message/", "/api/chat/message"):
        response = asking.post(path, {"message": "What am I taking?"})
        assert response.status_code == 200
        answers.append(response.get_json())
    for answer in answers:
        for changing in ("session_id", "message_id"):
            del answer[changing]
        del answer["receipt"]["elapsed_ms"]
    assert answers[0] == answers[1] == answers[2]


@BOTH
@pytest.mark.parametrize("question", [question for question, _, _ in QUESTIONS] + [EMERGENCY])
def test_a_stream_says_triage_first_and_done_last(asking: Api, question: str) -> None:
    whole = ask(asking, question)
    response = asking.post("/chat/message", {"message": question}, headers={"Accept": EVENTS})
    assert response.mimetype == EVENTS
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Cache-Control"] == "no-store"
    events = list(events_of(response.get_data(as_text=True)))
    names = [name for name, _ in events]
    assert (names[0], names[-2], names[-1]) == ("triage", "citations", "done")
    assert set(names[1:-2]) <= {"tool", "delta"}
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == done["reply"]
    assert done["reply"] == whole["reply"]
    assert done["triage"] == events[0][1]


def test_a_stream_ends_as_soon_as_it_is_done(asking: Api) -> None:
    work = streaming._Stream._work

    def linger(stream: streaming._Stream) -> None:
        work(stream)
        time.sleep(0.3)  # a thread that has said its last word, and is not gone yet

    with patch.object(streaming._Stream, "_work", linger):
        response = asking.post("/chat/message", {"message": "Hello"}, headers={"Accept": EVENTS})
        text = response.get_data(as_text=True)
    assert text.rstrip().splitlines()[-2] == "event: done"


def test_a_stream_to_somebody_elses_conversation_is_refused(asking: Api) -> None:
    message = {"message": "Hello", "session_id": "0198c0de-0000-7000-8000-000000000000"}
    assert_problem(asking.post("/chat/message", message, headers={"Accept": EVENTS}), 404)


def test_a_stream_about_somebody_elses_record_is_refused_like_one_about_nobodys(
    app: Flask, database: Database, alice: Person, charlie: Person
) -> None:
    with database.reading() as session:
        known = str(record_of(session, alice).id)
    outsider = signed_in(app, charlie)
    answers = [
        assert_problem(
            outsider.post(
                "/chat/message",
                {"message": "What is she taking?", "patient_id": patient_id},
                headers={"Accept": accept},
            ),
            404,
        )
        for patient_id in (known, str(uuid4()))
        for accept in (EVENTS, "application/json")
    ]
    assert all(one | {"request_id": ""} == answers[0] | {"request_id": ""} for one in answers)


def test_a_client_that_hangs_up_stops_the_work(asking: Api) -> None:
    stopped = threading.Event()

    def slow(*_: Any, emit: Any, cancelled: threading.Event, **__: Any) -> None:
        emit("triage", {})
        stopped.set() if cancelled.wait(timeout=10) else None

    with patch.object(service, "ask", slow):
        response = asking.post(
            "/chat/message", {"message": "Hello"}, headers={"Accept": EVENTS}, buffered=False
        )
        next(iter(response.response))
        response.close()
        assert stopped.wait(timeout=5)


@pytest.mark.settings(chat_streams_at_once=3)
def test_streams_are_bounded_and_their_places_come_back(asking: Api) -> None:
    options: dict[str, Any] = {"headers": {"Accept": EVENTS}, "buffered": False}
    go_on = threading.Event()

    def slow(*_: Any, emit: Any, **__: Any) -> None:
        emit("triage", {})
        go_on.wait(timeout=10)

    with patch.object(service, "ask", slow):
        running = [asking.post("/chat/message", {"message": "Hi"}, **options) for _ in range(3)]
        for stream in running:
            next(iter(stream.response))
        refused = assert_problem(asking.post("/chat/message", {"message": "Hi"}, **options), 429)
        assert refused["title"]
        go_on.set()
        for stream in running:
            stream.close()
    assert asking.post("/chat/message", {"message": "Hi"}, **options).status_code == 200


@BOTH
def test_a_conversation_is_listed_read_and_forgotten(asking: Api) -> None:
    first = ask(asking, "What am I taking?")
    second = ask(asking, "Thanks", session_id=first["session_id"])
    assert second["session_id"] == first["session_id"]
    history = asking.get(f"/chat/history/{first['session_id']}").get_json()
    assert [message["role"] for message in history["messages"]] == ["user", "assistant"] * 2
    assert history["messages"][1]["citations"] == first["citations"]
    sessions = asking.get("/chat/sessions").get_json()["items"]
    assert [one["session_id"] for one in sessions] == [first["session_id"]]
    assert asking.delete(f"/chat/sessions/{first['session_id']}").status_code == 204
    assert_problem(asking.get(f"/chat/history/{first['session_id']}"), 404)
    assert asking.get("/chat/sessions").get_json()["items"] == []


@pytest.mark.parametrize("message", ["", " ", "x" * 4001, "nul\x00", 7, None])
def test_a_message_has_bounds(asking: Api, message: Any) -> None:
    assert_problem(asking.post("/chat/message", {"message": message}), 422)


def test_what_is_said_is_never_html(asking: Api) -> None:
    add(asking, **AMLODIPINE | {"name": "<script>alert(1)</script>"})
    response = asking.post("/chat/message", {"message": "What am I taking?"})
    assert response.mimetype == "application/json"
    assert "<script>alert(1)</script>" in response.get_json()["reply"]
