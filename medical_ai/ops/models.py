"""What worker and backups leave behind so that others can tell how they fare."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Float, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime
from medical_ai.core.ids import new_id


class WorkerHeartbeat(Base):
    """One worker's last tick, and the lateness of reminders it saw."""

    __tablename__ = "worker_heartbeats"

    worker: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_tick_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    lateness_p99_seconds: Mapped[float | None] = mapped_column(Float)


class BackupRun(Base):
    """One backup, or one proof that a backup restores, and how it ended."""

    __tablename__ = "backup_runs"
    __table_args__ = (Index("ix_backup_runs_kind_finished_at", "kind", "finished_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    is_good: Mapped[bool] = mapped_column()
    snapshot: Mapped[str] = mapped_column(String(64), default="")
    bytes_added: Mapped[int] = mapped_column(BigInteger, default=0)
    error_type: Mapped[str] = mapped_column(String(64), default="")
