"""The worker process: one ticker that plans, claims and starts deliveries.

Any number of workers may run. What may happen once is claimed in the database by a conditional
update, so it does not matter which of them gets there first, or which of them dies.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.service import accounts, one_time, password
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.logging import get_logger
from medical_ai.jobs import service as jobs
from medical_ai.jobs.service import ClaimedJob, PermanentFailure
from medical_ai.medications import ledger, missed, reminders
from medical_ai.notifications import mails
from medical_ai.notifications import service as notifications
from medical_ai.notifications.channels import Channel, EmailChannel
from medical_ai.notifications.journal import Journal, JournaledChannel
from medical_ai.ops import alarms, anchoring, erasure, heartbeat, watchdog
from medical_ai.ops.audit_keeper import AuditKeeper

UPKEEP_SECONDS = 15.0
CLAIM_BATCH = 100

Handler = Callable[[Database, ClaimedJob, dict[str, Channel]], None]

HANDLERS: dict[str, Handler] = {
    reminders.DELIVER_REMINDER: reminders.deliver_reminder,
    notifications.SEND_NOTICE: mails.send_notice,
    one_time.SEND_LINK: mails.send_link,
    alarms.RAISE_ALARM: alarms.raise_alarm,
    anchoring.ANCHOR_CHAIN: anchoring.anchor_chain,
    accounts.OPEN_ACCOUNT: auth.open_wanted_account,
    password.ANSWER_FORGOTTEN: auth.answer_forgotten,
    mails.SEND_RECEIPT: mails.send_receipt,
}
"""What runs each kind of job. A test proves that every kind enqueued has its handler here."""


class Worker:
    """One worker: ticks, and the threads that run its jobs."""

    def __init__(self, database: Database) -> None:
        settings = database.settings
        self.name = f"{socket.gethostname()[:40]}:{process_id(os.getpid())}"
        self._database = database
        self._journal = Journal(settings.data_dir / "journal")
        email = JournaledChannel(EmailChannel(settings), self._journal)
        self._channels: dict[str, Channel] = {email.name: email}
        self._threads = ThreadPoolExecutor(settings.job_threads, thread_name_prefix="job")
        self._free = threading.Semaphore(settings.job_threads)
        self._last_upkeep = float("-inf")
        self._is_away = False
        self._stopping = threading.Event()

    def tick(self) -> None:
        """Do what is due. A database that is away is waited for, and said once."""
        try:
            if time.monotonic() - self._last_upkeep >= UPKEEP_SECONDS:
                self._upkeep()
                self._last_upkeep = time.monotonic()
            self._claim_doses()
            self._start_runners()
        except (OperationalError, PoolTimeout) as error:
            if not self._is_away:
                get_logger().error("worker.database-away", exc_info=error, worker=self.name)
            self._is_away = True
            return
        except Exception as error:  # the next tick must come whatever this one met
            get_logger().error("worker.tick-failed", exc_info=error, worker=self.name)
            return
        if self._is_away:
            get_logger().info("worker.database-back", worker=self.name)
            self._is_away = False

    def stop(self) -> None:
        """Let running jobs finish; what is left stays in the outbox."""
        self._stopping.set()
        self._threads.shutdown(wait=True, cancel_futures=False)

    def _upkeep(self) -> None:
        # Each in a transaction of its own: one that fails must not keep the others from working.
        for event, work in (
            ("planned", ledger.plan_ahead),
            ("missed", missed.mark_missed),
            ("released", jobs.release_stale_jobs),
            ("taken-over", self._release_orphans),
            ("forgotten", jobs.delete_old_jobs),
            ("sessions-ended", auth.end_overdue),
            ("expired", auth.delete_expired),
            ("tokens-forgotten", auth.delete_ended_tokens),
            ("links-forgotten", auth.delete_old_tokens),
            ("accounts-erased", erasure.erase_due_accounts),
            ("addresses-forgotten", auth.forget_old_addresses),
            ("proofs-forgotten", auth.delete_unproved),
            ("beat", self._beat),
        ):
            self._keep_up(event, work)
        self._empty_log()
        self._journal.forget_old()

    def _keep_up(self, event: str, work: Callable[[Session], int]) -> None:
        try:
            with self._database.unit_of_work() as session:
                count = work(session)
        except (OperationalError, PoolTimeout):
            raise
        except Exception as error:
            get_logger().error(f"worker.{event}-failed", exc_info=error, worker=self.name)
            return
        if count:
            get_logger().info(f"worker.{event}", count=count, worker=self.name)

    def _empty_log(self) -> None:
        # Every time: whoever erased an account may have died before they came to this.
        try:
            self._database.empty_log()
        except Exception as error:
            get_logger().error("worker.log-not-emptied", exc_info=error, worker=self.name)

    def _beat(self, session: Session) -> int:
        lateness = ledger.lateness_p99(session)
        heartbeat.beat(session, worker=self.name, lateness_p99_seconds=lateness)
        return 0

    def _release_orphans(self, session: Session) -> int:
        """Take over at once from a worker of this machine whose process is gone."""
        host, _, _ = self.name.rpartition(":")
        orphaned = [
            name
            for name in jobs.list_job_workers(session)
            if name.rpartition(":")[0] == host and not _is_running(name.rpartition(":")[2])
        ]
        return sum(jobs.release_jobs_of(session, worker=name) for name in orphaned)

    def _claim_doses(self) -> None:
        claimed = CLAIM_BATCH
        while claimed == CLAIM_BATCH:  # a full batch: more may be due
            with self._database.unit_of_work() as session:
                claimed = reminders.claim_due_doses(session, limit=CLAIM_BATCH)

    def _start_runners(self) -> None:
        while self._free.acquire(blocking=False):
            self._threads.submit(self._run_jobs)

    def _run_jobs(self) -> None:
        """Run jobs one after another until none is due; each thread claims for itself."""
        try:
            while not self._stopping.is_set():
                with self._database.unit_of_work() as session:
                    claimed = jobs.claim_jobs(session, worker=self.name, limit=1)
                if not claimed:
                    return
                self._run(claimed[0])
        except SQLAlchemyError as error:  # the next tick starts runners again
            get_logger().warning("worker.claim-failed", exc_info=error, worker=self.name)
        finally:
            self._free.release()

    def _run(self, job: ClaimedJob) -> None:
        try:
            HANDLERS[job.kind](self._database, job, self._channels)
        except Exception as error:  # one bad job must not stop the queue
            self._put_back(job, error)

    def _put_back(self, job: ClaimedJob, error: Exception) -> None:
        fields = {"job_id": job.id, "job_kind": job.kind, "attempt": job.attempts}
        get_logger().warning("job.failed", exc_info=error, **fields)
        try:
            with self._database.unit_of_work() as session:
                given_up = jobs.retry_job(
                    session,
                    job,
                    error=type(error).__name__,
                    permanent=isinstance(error, PermanentFailure),
                )
        except SQLAlchemyError as away:  # its lease runs out and it is tried again
            get_logger().error("job.not-put-back", exc_info=away, **fields)
            return
        if given_up:
            get_logger().error("job.given-up", **fields)


def run_worker(database: Database) -> None:
    """Tick until SIGTERM or SIGINT, then let running jobs finish and return."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    worker = Worker(database)
    scheduler = BackgroundScheduler(timezone=UTC)

    def tick_alive() -> None:
        worker.tick()
        watchdog.tell_alive()

    for tick in (tick_alive, AuditKeeper(database).tick):
        scheduler.add_job(
            tick,
            "interval",
            seconds=database.settings.worker_tick_seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    get_logger().info("worker.started", worker=worker.name)
    worker.tick()
    scheduler.start()
    watchdog.tell_ready()
    await_end(stopping, scheduler, seconds=database.settings.worker_tick_seconds)
    watchdog.tell_stopping()
    scheduler.shutdown(wait=True)
    worker.stop()
    get_logger().info("worker.stopped", worker=worker.name)


def await_end(stopping: threading.Event, scheduler: BaseScheduler, *, seconds: float) -> None:
    """Wait until the worker is to stop, and look meanwhile whether the clock was set back.

    The scheduler knows when the next tick is to come by the clock, and would not tick until that
    has caught up.
    """
    ahead = clock.now().timestamp() - time.monotonic()
    while not stopping.wait(seconds):
        before, ahead = ahead, clock.now().timestamp() - time.monotonic()
        if ahead < before - seconds:
            get_logger().warning("worker.clock-set-back")
            for job in scheduler.get_jobs():
                job.modify(next_run_time=clock.now())


def process_id(pid: int) -> str:
    """Return a process id with its start time, so that a pid given away again is not mistaken."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return f"{pid}.{stat.rpartition(')')[2].split()[19]}"


def _is_running(named: str) -> bool:
    try:
        return process_id(int(named.partition(".")[0])) == named
    except (FileNotFoundError, ProcessLookupError):
        return False
    except (ValueError, OSError):
        return True  # not of our naming, or not for us to see: its lease decides
