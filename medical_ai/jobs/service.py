"""Enqueue in the caller's transaction; claim by a conditional update; retry with backoff.

A job runs at least once. Handlers make that safe with idempotency keys of their own.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.jobs.models import Job, JobStatus

BACKOFF_FIRST_SECONDS = 2.0
BACKOFF_LONGEST_SECONDS = 900.0
DONE_KEPT = timedelta(days=7)
LATE_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job this worker may run until `lease_until`, and the fence that proves it."""

    id: UUID
    kind: str
    payload: dict[str, Any]
    idempotency_key: str
    attempts: int
    fence: int
    lease_until: datetime


class PermanentFailure(Exception):
    """The handler knows that trying again cannot help."""


def enqueue(
    session: Session,
    *,
    kind: str,
    payload: dict[str, Any],
    idempotency_key: str,
    run_at: datetime | None = None,
) -> None:
    """Store a job with the caller's own changes; both commit or neither does.

    The key is unique: a second job with the same key breaks the caller's transaction.
    """
    session.add(
        Job(
            kind=kind,
            payload=payload,
            idempotency_key=idempotency_key,
            run_at=run_at or clock.now(),
        )
    )


def enqueue_once(
    session: Session, *, kind: str, payload: dict[str, Any], idempotency_key: str
) -> bool:
    """Store a job unless there is one with this key already; False then.

    For work that several workers find at the same time. Keys are remembered for a week.
    """
    try:
        with session.begin_nested():
            session.add(Job(kind=kind, payload=payload, idempotency_key=idempotency_key))
    except IntegrityError:
        return False
    return True


def claim_jobs(session: Session, *, worker: str, limit: int) -> list[ClaimedJob]:
    """Claim up to `limit` jobs whose time has come; commit before running them."""
    now = clock.now()
    lease_until = now + timedelta(seconds=settings_of(session).job_lease_seconds)
    due = session.scalars(
        select(Job)
        .where(Job.status == JobStatus.READY, Job.run_at <= now)
        .order_by(Job.run_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # where the database has it; SQLite has one writer
    ).all()
    claimed = []
    for job in due:
        changed = _change(
            session,
            job.id,
            job.fence,
            JobStatus.READY,
            status=JobStatus.RUNNING,
            fence=job.fence + 1,
            attempts=job.attempts + 1,
            worker=worker,
            lease_until=lease_until,
        )
        if changed:  # 0 rows: another worker got there first
            claimed.append(
                ClaimedJob(
                    id=job.id,
                    kind=job.kind,
                    payload=job.payload,
                    idempotency_key=job.idempotency_key,
                    attempts=job.attempts + 1,
                    fence=job.fence + 1,
                    lease_until=lease_until,
                )
            )
    return claimed


def is_held(session: Session, job: ClaimedJob) -> bool:
    """Tell whether the claim still holds; a worker asks before it does what cannot be undone."""
    held = select(Job.id).where(
        Job.id == job.id, Job.fence == job.fence, Job.status == JobStatus.RUNNING
    )
    return session.scalar(held) is not None


def finish_job(session: Session, job: ClaimedJob) -> bool:
    """Mark a claimed job done; False when the lease went to another worker meanwhile."""
    return _change(
        session,
        job.id,
        job.fence,
        JobStatus.RUNNING,
        status=JobStatus.DONE,
        lease_until=None,
        finished_at=clock.now(),
        last_error="",
    )


def retry_job(session: Session, job: ClaimedJob, *, error: str, permanent: bool) -> bool:
    """Put a failed job back for later, or give it up; `error` is a type's name, never a message.

    Returns True where the job is given up.
    """
    gives_up = permanent or is_last_try(settings_of(session), job)
    _change(
        session,
        job.id,
        job.fence,
        JobStatus.RUNNING,
        status=JobStatus.DEAD if gives_up else JobStatus.READY,
        run_at=clock.now() + backoff(job.attempts),
        lease_until=None,
        last_error=error[:200],
        finished_at=clock.now() if gives_up else None,
    )
    return gives_up


def is_last_try(settings: Settings, job: ClaimedJob) -> bool:
    """Tell whether a job that fails now is given up."""
    return job.attempts >= settings.job_attempts


def backoff(attempts: int) -> timedelta:
    """Return the wait before the next try: doubling, bounded, with up to a fifth of jitter."""
    seconds = min(BACKOFF_FIRST_SECONDS * 2 ** (attempts - 1), BACKOFF_LONGEST_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.0))  # noqa: S311 - spreads load only


def release_stale_jobs(session: Session) -> int:
    """Put back jobs whose worker died or froze past its lease; return how many."""
    return _release(session, Job.lease_until < clock.now())


def list_job_workers(session: Session) -> list[str]:
    """Return the workers that hold a lease at present."""
    return list(
        session.scalars(select(Job.worker).where(Job.status == JobStatus.RUNNING).distinct())
    )


def release_jobs_of(session: Session, *, worker: str) -> int:
    """Put back what a worker held that is known to be dead; return how many."""
    return _release(session, Job.worker == worker)


def delete_old_jobs(session: Session) -> int:
    """Forget jobs that were done more than a week ago; return how many."""
    return rows_changed(
        session,
        delete(Job).where(Job.status == JobStatus.DONE, Job.finished_at < clock.now() - DONE_KEPT),
    )


def count_dead_jobs(session: Session) -> int:
    """Return how many jobs were given up."""
    return session.scalar(select(func.count()).where(Job.status == JobStatus.DEAD)) or 0


def count_jobs(session: Session) -> dict[str, int]:
    """Return how many jobs wait, are late, run, and were given up."""
    is_late = Job.run_at < clock.now() - LATE_AFTER
    state = case(
        (Job.status == JobStatus.RUNNING, "running"),
        (Job.status == JobStatus.DEAD, "given-up"),
        (is_late, "late"),
        else_="waiting",
    )
    counts = dict.fromkeys(("waiting", "late", "running", "given-up"), 0)
    unfinished = select(state, func.count()).where(Job.status != JobStatus.DONE).group_by(state)
    return counts | {name: count for name, count in session.execute(unfinished)}


def _change(
    session: Session, job_id: UUID, held_fence: int, held_status: JobStatus, **values: object
) -> bool:
    held = update(Job).where(Job.id == job_id, Job.fence == held_fence, Job.status == held_status)
    return rows_changed(session, held.values(**values)) == 1


def _release(session: Session, which: ColumnElement[bool]) -> int:
    # A job on its last try may be what killed its worker: it is given up, not handed on for ever.
    now = clock.now()
    was_last = Job.attempts >= settings_of(session).job_attempts
    return rows_changed(
        session,
        update(Job)
        .where(Job.status == JobStatus.RUNNING, which)
        .values(
            status=case((was_last, JobStatus.DEAD.value), else_=JobStatus.READY.value),
            finished_at=case((was_last, now), else_=None),
            lease_until=None,
            run_at=now,
        ),
    )
