"""What the worker does for the audit log: seal it, watch it, anchor it.

It ticks beside the worker's other work, so that a long backlog to seal keeps no reminder waiting.
"""

import time
from collections.abc import Callable

from sqlalchemy.orm import Session

from medical_ai.audit import sealing
from medical_ai.core.database import Database
from medical_ai.core.logging import get_logger
from medical_ai.ops.alarms import find_alarms
from medical_ai.ops.anchoring import anchor_on_time

SEAL_SECONDS = 5.0
"""Small blocks cost a signature each; longer leaves more that is not sealed yet."""
SWEEP_SECONDS = 600.0
"""How often everything is looked at for what committed very late."""
WATCH_SECONDS = 60.0


class AuditKeeper:
    """Ticks of one worker process; any number may run."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._done_at: dict[str, float] = {}

    def tick(self) -> None:
        """Do what is due. Whatever this one meets, the next tick must come."""
        for name, seconds, work in (
            ("seal", SEAL_SECONDS, self._seal),
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("watch", WATCH_SECONDS, lambda: self._write(find_alarms)),
            ("anchor", WATCH_SECONDS, lambda: self._write(anchor_on_time)),
        ):
            if time.monotonic() - self._done_at.get(name, float("-inf")) >= seconds:
                self._do(name, work)

    def _do(self, name: str, work: Callable[[], int]) -> None:
        try:
            count = work()
        except Exception as error:
            get_logger().error(f"audit.{name}-failed", exc_info=error)
            return
        finally:
            self._done_at[name] = time.monotonic()
        if count:
            get_logger().info(f"audit.{name}", count=count)

    def _seal(self) -> int:
        return sealing.seal_all(self._database)

    def _sweep(self) -> int:
        return sealing.seal_all(self._database, sweep=True)

    def _write(self, work: Callable[[Session], int]) -> int:
        with self._database.unit_of_work() as session:
            return work(session)
