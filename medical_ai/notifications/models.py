"""In-app notices."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime, enum_column
from medical_ai.core.ids import new_id
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.tenancy.models import TenantOwned


class Notice(TenantOwned, Base):
    """Something a person should see when they look. It points to a row and quotes nothing.

    `key` is the idempotency key: the same event makes one notice, however often it is told.
    """

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_user_id_created_at", "user_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[NoticeKind] = mapped_column(enum_column(NoticeKind))
    subject_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
