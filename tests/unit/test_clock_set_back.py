"""A worker whose clock is set back ticks on, and does not wait until it has caught up."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from medical_ai.core import clock
from medical_ai.ops.worker import await_end


def test_the_next_tick_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ran, stopping = threading.Event(), threading.Event()
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(ran.set, "interval", hours=2, misfire_grace_time=None)
    scheduler.start()
    waiting = threading.Thread(
        target=await_end, args=(stopping, scheduler), kwargs={"seconds": 0.02}, daemon=True
    )
    waiting.start()
    assert not ran.wait(0.2)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(hours=2))
    assert ran.wait(5)
    stopping.set()
    waiting.join(5)
    assert not waiting.is_alive()
    scheduler.shutdown()
