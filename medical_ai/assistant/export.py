"""What somebody takes along of their conversations with the assistant."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from medical_ai.assistant.conversations import read_message
from medical_ai.assistant.models import ChatMessage, Conversation
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing
from medical_ai.core.database import database_of, in_batches
from medical_ai.patients.schemas import PatientRef

TABLES = ("conversations", "chat_messages")


def export_of(session: Session, actor: Actor, record: PatientRef | None) -> dict[str, Any]:
    """Return the conversations about oneself or about nobody; other people's records stay."""
    return {"conversations": _conversations(session, actor, record)}


def _conversations(
    session: Session, actor: Actor, record: PatientRef | None
) -> Iterator[dict[str, Any]]:
    own = record.id if record else None
    query = select(Conversation).where(
        Conversation.user_id == actor.user_id,
        or_(Conversation.patient_id.is_(None), Conversation.patient_id == own),
    )
    for one in in_batches(session, query, Conversation.id):
        is_own = record is not None and one.patient_id == record.id
        vault = record.vault if record and is_own else database_of(session).keyring
        yield {
            "id": one.id,
            "triage_level": one.triage_level,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
            "messages": _messages(session, one, vault),
        }


def _messages(
    session: Session, conversation: Conversation, vault: KeyRing
) -> Iterator[dict[str, Any]]:
    query = select(ChatMessage).where(ChatMessage.conversation_id == conversation.id)
    for message in in_batches(session, query, ChatMessage.id):
        yield read_message(message, vault).model_dump(mode="json")
