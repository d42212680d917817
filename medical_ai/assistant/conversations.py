"""Conversations at rest: opened, appended to, read and forgotten. What was said is sealed."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from medical_ai.assistant.models import ChatMessage, Conversation
from medical_ai.assistant.schemas import ChatQuestion, ChatSession, History, HistoryMessage
from medical_ai.assistant.triage import TriageLevel
from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing
from medical_ai.core.database import database_of, rows_changed
from medical_ai.core.errors import Conflict, NotFound
from medical_ai.core.events import RecordReplaced
from medical_ai.core.ids import new_id
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef

TITLE_CHARACTERS = 60
SESSIONS_LISTED = 50
MESSAGES_SHOWN = 500
_CONTENT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])

Author = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """A conversation the actor may use, the record it is about, and the key that seals it."""

    row: Conversation
    patient: PatientRef | None
    vault: KeyRing


def open_conversation(
    session: Session, *, actor: Actor, session_id: UUID, to_write: bool = False
) -> OpenConversation:
    """Open one of the actor's conversations. Raises NotFound for anybody else's.

    To write, its row is locked first: two messages at once would otherwise each hold the lock
    that a message's foreign key takes, and wait for the other's.
    """
    wanted = select(Conversation).where(
        Conversation.id == session_id,
        Conversation.user_id == actor.user_id,
        Conversation.hospital_id == actor.tenant_id,
    )
    row = session.scalar(wanted.with_for_update() if to_write else wanted)
    if row is None:
        raise NotFound("There is no such conversation.")
    return _open(session, actor, row)


def check_question(session: Session, *, actor: Actor, question: ChatQuestion) -> None:
    """Raise NotFound where a question names a conversation or a patient that are not the actor's.

    Nothing is looked at by that.
    """
    if question.session_id is not None:
        opened = open_conversation(session, actor=actor, session_id=question.session_id)
        audit.drop_views(session, opened.row.patient_id)
    elif question.patient_id is not None:
        patients.get_patient_for(session, actor, question.patient_id, Permission.RECORD_ASK)
        audit.drop_views(session, question.patient_id)


def start_conversation(
    session: Session, *, actor: Actor, patient_id: UUID | None
) -> OpenConversation:
    """Start a conversation about a patient; without one, about the actor's own record if any.

    Raises NotFound for a patient the actor has nothing to do with.
    """
    if patient_id is None:
        own = patients.find_own_patient(session, actor)
        patient_id = own.id if own else None
    row = Conversation(
        id=new_id(),
        hospital_id=actor.tenant_id,
        user_id=actor.user_id,
        patient_id=patient_id,
        triage_level=TriageLevel.NONE.value,
    )
    opened = _open(session, actor, row)
    session.add(row)
    session.flush()
    return opened


def append_message(
    session: Session, opened: OpenConversation, *, author: Author, content: dict[str, Any]
) -> UUID:
    """Add a message and return its id. `content` has a `text`, and what came with an answer."""
    message_id = new_id()
    text = _CONTENT.dump_json(content).decode()
    session.add(
        ChatMessage(
            id=message_id,
            hospital_id=opened.row.hospital_id,
            conversation_id=opened.row.id,
            role=author,
            content_sealed=opened.vault.seal_text(text, "chat_messages", "content", message_id),
        )
    )
    opened.row.updated_at = clock.now()
    return message_id


def list_sessions(session: Session, *, actor: Actor) -> list[ChatSession]:
    """Return the actor's conversations, the latest first."""
    found = session.scalars(
        select(Conversation)
        .where(Conversation.user_id == actor.user_id, Conversation.hospital_id == actor.tenant_id)
        .order_by(Conversation.updated_at.desc())
        .limit(SESSIONS_LISTED)
    ).all()
    about = {row.patient_id for row in found if row.patient_id is not None}
    open_now = patients.list_patients_for(session, actor, about, Permission.RECORD_ASK)
    first = _first_messages(session, [row.id for row in found])
    vaults: dict[UUID | None, KeyRing] = {None: database_of(session).keyring}
    vaults |= {patient.id: patient.vault for patient in open_now.values()}
    return [
        ChatSession(
            session_id=row.id,
            title=_title(first.get(row.id), vaults[row.patient_id]),
            updated_at=row.updated_at,
        )
        for row in found
        if row.patient_id in vaults  # the others are about records the actor has lost access to
    ]


def get_history(session: Session, *, actor: Actor, session_id: UUID) -> History:
    """Return the latest messages of one conversation, the oldest first.

    Raises NotFound for anybody else's.
    """
    opened = open_conversation(session, actor=actor, session_id=session_id)
    latest = (
        _messages_of(opened).order_by(None).order_by(ChatMessage.at.desc(), ChatMessage.id.desc())
    )
    messages = session.scalars(latest.limit(MESSAGES_SHOWN)).all()
    return History(
        session_id=session_id,
        messages=[read_message(message, opened.vault) for message in reversed(messages)],
    )


def delete_session(session: Session, *, actor: Actor, session_id: UUID) -> None:
    """Forget one of the actor's conversations. Raises NotFound for anybody else's."""
    opened = open_conversation(session, actor=actor, session_id=session_id)
    session.execute(delete(ChatMessage).where(ChatMessage.conversation_id == session_id))
    session.delete(opened.row)
    audit.record(
        session,
        tag=AuditTag.CONVERSATION_DELETED,
        actor=actor,
        patient_id=opened.row.patient_id,
        subject=("conversation", session_id),
    )


def erase_conversations(session: Session, *, user_id: UUID, patient_ids: list[UUID]) -> int:
    """Delete what an account said, and what anybody said about these patients; return how many."""
    theirs = or_(Conversation.user_id == user_id, Conversation.patient_id.in_(patient_ids))
    return rows_changed(session, delete(Conversation).where(theirs))


def refuse_to_let_go(session: Session, event: RecordReplaced) -> None:
    """Keep a record that was talked about with its account. Raises Conflict."""
    kept = select(Conversation.id).where(Conversation.patient_id == event.patient_id).limit(1)
    if session.scalar(kept) is not None:
        raise Conflict("Your account has conversations already. Delete them, or use a new account.")


def _open(session: Session, actor: Actor, row: Conversation) -> OpenConversation:
    if row.patient_id is None:
        return OpenConversation(row, None, database_of(session).keyring)
    # Access is checked anew each time: whoever lost it cannot read what was said.
    patient = patients.get_patient_for(session, actor, row.patient_id, Permission.RECORD_ASK)
    return OpenConversation(row, patient, patient.vault)


def _first_messages(session: Session, ids: list[UUID]) -> dict[UUID, ChatMessage]:
    place = (
        func.row_number()
        .over(partition_by=ChatMessage.conversation_id, order_by=(ChatMessage.at, ChatMessage.id))
        .label("place")
    )
    numbered = select(ChatMessage.id, place).where(ChatMessage.conversation_id.in_(ids)).subquery()
    wanted = select(ChatMessage).join(numbered, numbered.c.id == ChatMessage.id)
    found = session.scalars(wanted.where(numbered.c.place == 1))
    return {message.conversation_id: message for message in found}


def _messages_of(opened: OpenConversation) -> Select[ChatMessage]:
    return (
        select(ChatMessage)
        .where(ChatMessage.conversation_id == opened.row.id)
        .order_by(ChatMessage.at, ChatMessage.id)
    )


def list_rules(session: Session, opened: OpenConversation) -> set[str]:
    """Return the rules of triage that were met so far, by the answers of a conversation."""
    answers = session.scalars(_messages_of(opened).where(ChatMessage.role == "assistant"))
    read = (read_message(answer, opened.vault) for answer in answers)
    return {rule for one in read if one.triage for rule in one.triage.rules}


def read_message(message: ChatMessage, vault: KeyRing) -> HistoryMessage:
    """Open one message."""
    text = vault.open_text(message.content_sealed, "chat_messages", "content", message.id)
    content = _CONTENT.validate_json(text)
    return HistoryMessage.model_validate(
        content | {"id": message.id, "role": message.role, "at": message.at}
    )


def _title(first: ChatMessage | None, vault: KeyRing) -> str:
    if first is None:
        return ""
    text = read_message(first, vault).text
    return text if len(text) <= TITLE_CHARACTERS else text[: TITLE_CHARACTERS - 1] + "…"
