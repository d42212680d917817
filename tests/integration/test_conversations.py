"""Conversations: sealed, one's own, and gone when forgotten."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.assistant import conversations, service
from medical_ai.assistant.models import ChatMessage, Conversation
from medical_ai.assistant.schemas import ChatAnswer, ChatQuestion
from medical_ai.audit.models import AuditEvent
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.core.errors import NotFound, PermissionDenied
from medical_ai.patients.models import CareRelationship
from tests.support.medicines import MEDICINE, add_medicine
from tests.support.people import Cast, Person, record_of
from tests.support.queries import counted

EMERGENCY = "I have crushing chest pain and my left arm hurts"


def ask(database: Database, person: Person, message: str, **more: object) -> ChatAnswer:
    """Take one turn."""
    question = ChatQuestion.model_validate({"message": message} | more)
    return service.ask(database, actor=person.actor, question=question)


def titles(session: Session, actor: Actor) -> list[str]:
    """Return the titles on somebody's list of conversations."""
    return [one.title for one in conversations.list_sessions(session, actor=actor)]


def test_what_was_said_is_sealed(database: Database, session: Session, alice: Person) -> None:
    ask(database, alice, "My secret worry is a zebra")
    stored = b"".join(session.scalars(select(ChatMessage.content_sealed)))
    assert stored
    assert b"zebra" not in stored


def test_a_conversation_is_read_back_in_order_with_what_came_with_it(
    database: Database, session: Session, alice: Person
) -> None:
    add_medicine(session, alice, ["08:00"])
    session.commit()
    answer = ask(database, alice, "What am I taking?")
    history = conversations.get_history(session, actor=alice.actor, session_id=answer.session_id)
    assert [message.role for message in history.messages] == ["user", "assistant"]
    said = history.messages[1]
    assert (said.id, said.citations, said.receipt) == (
        answer.message_id,
        answer.citations,
        answer.receipt,
    )
    assert MEDICINE in said.text


@pytest.mark.parametrize("name", ["bob", "charlie", "nina", "bill", "dana"])
def test_a_conversation_is_nobody_elses(
    database: Database, session: Session, people: Cast, name: str
) -> None:
    answer = ask(database, people.alice, "Hello")
    other = getattr(people, name)
    with pytest.raises(NotFound):
        conversations.get_history(session, actor=other.actor, session_id=answer.session_id)
    with pytest.raises(NotFound):
        conversations.delete_session(session, actor=other.actor, session_id=answer.session_id)
    with pytest.raises(NotFound):
        ask(database, other, "Hello", session_id=answer.session_id)
    assert titles(session, other.actor) == []


def test_her_doctor_asks_about_her(database: Database, session: Session, people: Cast) -> None:
    add_medicine(session, people.alice, ["08:00"])
    session.commit()
    record = record_of(session, people.alice)
    for question in ("Which medicines?", "What is she taking?"):
        answer = ask(database, people.bob, question, patient_id=record.id)
        assert answer.reply.startswith("The patient's list has 1 medicine:")
        assert MEDICINE in answer.reply
    assert ask(database, people.alice, "What am I taking?").reply.startswith("Your list has 1")


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("charlie", NotFound), ("nina", NotFound), ("bill", PermissionDenied)],
)
def test_nobody_else_asks_about_her(
    database: Database, session: Session, people: Cast, name: str, refusal: type[Exception]
) -> None:
    record = record_of(session, people.alice)
    with pytest.raises(refusal):
        ask(database, getattr(people, name), "Which medicines?", patient_id=record.id)
    assert session.scalars(select(Conversation)).all() == []


def test_a_doctor_whose_care_has_ended_keeps_the_rest_of_the_list(
    database: Database, session: Session, people: Cast
) -> None:
    record = record_of(session, people.alice)
    ask(database, people.bob, "Which medicines?", patient_id=record.id)
    ask(database, people.bob, "Hello there")
    session.scalars(select(CareRelationship)).one().ended_at = clock.now()
    session.commit()
    assert titles(session, people.bob.actor) == ["Hello there"]


def test_a_list_is_read_by_as_many_queries_however_long_and_refuses_nothing(
    database: Database, session: Session, people: Cast
) -> None:
    record = record_of(session, people.alice)
    asked = {"patient_id": record.id}

    def list_them() -> int:
        with database.unit_of_work() as own, counted(own) as sent:
            found = titles(own, people.bob.actor)
        assert found
        return len(sent)

    ask(database, people.bob, "Hello there")
    ask(database, people.bob, "Which medicines?", **asked)
    few = list_them()
    for _ in range(4):
        ask(database, people.bob, "Which medicines?", **asked)
    assert list_them() == few
    session.scalars(select(CareRelationship)).one().ended_at = clock.now()
    session.commit()
    list_them()
    refused = select(AuditEvent.id).where(AuditEvent.tag == "access:refused")
    assert session.scalars(refused).all() == []


def test_an_emergency_is_sticky_and_stands_alone(database: Database, alice: Person) -> None:
    first = ask(database, alice, EMERGENCY)
    assert first.triage.level == "emergency"
    assert first.reply == first.triage.advice
    later = ask(database, alice, "Never mind, I am fine", session_id=first.session_id)
    assert later.triage.level == "emergency"


def test_forgetting_leaves_no_message(database: Database, session: Session, alice: Person) -> None:
    answer = ask(database, alice, "Hello")
    conversations.delete_session(session, actor=alice.actor, session_id=answer.session_id)
    session.commit()
    assert session.scalars(select(ChatMessage.id)).all() == []
    assert titles(session, alice.actor) == []
