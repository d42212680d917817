"""What the worker leaves behind so that others can tell whether it lives."""

from datetime import datetime

from sqlalchemy import Float, String
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime


class WorkerHeartbeat(Base):
    """One worker's last tick, and the lateness of reminders it saw."""

    __tablename__ = "worker_heartbeats"

    worker: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_tick_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    lateness_p99_seconds: Mapped[float | None] = mapped_column(Float)
