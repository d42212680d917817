"""Conversations with the assistant. What was said is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime
from medical_ai.core.ids import new_id
from medical_ai.tenancy.models import TenantOwned


class Conversation(TenantOwned, Base):
    """One conversation of one person. `triage_level` is sticky: it does not fall by itself."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_user_id_updated_at", "user_id", "updated_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    patient_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), index=True
    )
    triage_level: Mapped[str] = mapped_column(String(12), default="none")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class ChatMessage(TenantOwned, Base):
    """One message. `content_sealed` is JSON: the text, and for an answer all that came with it."""

    __tablename__ = "chat_messages"
    __table_args__ = (Index("ix_chat_messages_conversation_id_at", "conversation_id", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    conversation_id: Mapped[UUID] = mapped_column(
        ForeignKey("conversations.id", ondelete="CASCADE")
    )
    role: Mapped[str] = mapped_column(String(12))
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary(262_144))
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
