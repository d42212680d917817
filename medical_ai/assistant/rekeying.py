"""What of conversations the key ring seals: those about nobody's record."""

from sqlalchemy import select

from medical_ai.assistant.models import ChatMessage, Conversation
from medical_ai.core.rekeying import SealedColumn

STORES = (
    SealedColumn(
        "conversations",
        ChatMessage.id,
        ChatMessage.content_sealed,
        ("chat_messages", "content"),
        only=ChatMessage.conversation_id.in_(
            select(Conversation.id).where(Conversation.patient_id.is_(None))
        ),
    ),
)
