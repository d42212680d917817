"""The outbox: enqueue with the caller's work, claim once, retry with patience, give up aloud."""

from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.jobs.service import ClaimedJob

KIND = "test.work"


def enqueue(session: Session, key: str = "one") -> None:
    """Put a piece of work into the outbox."""
    jobs.enqueue(session, kind=KIND, payload={"id": key}, idempotency_key=key)
    session.flush()


def claim(session: Session, worker: str = "here:1", limit: int = 10) -> list[ClaimedJob]:
    """Claim what is ready."""
    claimed = jobs.claim_jobs(session, worker=worker, limit=limit)
    session.expire_all()
    return claimed


def the_job(session: Session) -> Job:
    """Return the only job there is, as it stands in the database."""
    session.expire_all()
    return session.scalars(select(Job)).one()


def test_work_of_a_transaction_that_fails_never_happens(database: Database) -> None:
    with pytest.raises(Conflict), database.unit_of_work() as session:
        enqueue(session)
        raise Conflict
    with database.reading() as session:
        assert session.scalars(select(Job)).all() == []


def test_a_claim_carries_the_payload_and_a_fence(session: Session) -> None:
    enqueue(session)
    job = claim(session)[0]
    assert (job.kind, job.payload, job.attempts, job.fence) == (KIND, {"id": "one"}, 1, 1)
    assert job.lease_until > clock.now()


def test_what_is_claimed_is_not_claimed_again(session: Session) -> None:
    enqueue(session)
    assert len(claim(session)) == 1
    assert claim(session, "here:2") == []


def test_work_for_later_is_left_until_then(session: Session) -> None:
    later = clock.now() + timedelta(minutes=5)
    jobs.enqueue(session, kind=KIND, payload={}, idempotency_key="later", run_at=later)
    session.flush()
    assert claim(session) == []
    with time_machine.travel(later + timedelta(seconds=1)):
        assert len(claim(session)) == 1


def test_finished_work_is_done(session: Session) -> None:
    enqueue(session)
    assert jobs.finish_job(session, claim(session)[0])
    assert the_job(session).status is JobStatus.DONE


def test_a_worker_that_froze_past_its_lease_cannot_finish(session: Session) -> None:
    enqueue(session)
    frozen = claim(session, "here:1")[0]
    with time_machine.travel(frozen.lease_until + timedelta(seconds=1)):
        assert jobs.release_stale_jobs(session) == 1
        fresh = claim(session, "here:2")[0]
    assert not jobs.is_held(session, frozen)
    assert jobs.is_held(session, fresh)
    assert not jobs.finish_job(session, frozen)
    assert the_job(session).status is JobStatus.RUNNING
    assert jobs.finish_job(session, fresh)


def test_a_worker_that_froze_cannot_put_the_job_back_either(session: Session) -> None:
    enqueue(session)
    frozen = claim(session, "here:1")[0]
    with time_machine.travel(frozen.lease_until + timedelta(seconds=1)):
        jobs.release_stale_jobs(session)
        claim(session, "here:2")
    jobs.retry_job(session, frozen, error="Late", permanent=True)
    assert the_job(session).status is JobStatus.RUNNING


def test_a_lease_that_runs_is_left_alone(session: Session) -> None:
    enqueue(session)
    claim(session)
    assert jobs.release_stale_jobs(session) == 0


def test_what_a_dead_worker_held_is_released_at_once(session: Session) -> None:
    enqueue(session, "one")
    claim(session, "here:1")
    enqueue(session, "two")
    claim(session, "here:2")
    assert sorted(jobs.list_job_workers(session)) == ["here:1", "here:2"]
    assert jobs.release_jobs_of(session, worker="here:1") == 1
    assert [job.payload["id"] for job in claim(session, "here:3")] == ["one"]


def test_a_failed_job_waits_longer_each_time(session: Session) -> None:
    enqueue(session)
    waits = []
    moment = clock.now()
    for _ in range(4):
        with time_machine.travel(moment, tick=False):
            job = claim(session)[0]
            assert not jobs.retry_job(session, job, error="OSError", permanent=False)
            moment = the_job(session).run_at
            waits.append((moment - clock.now()).total_seconds())
    assert all(later > earlier for earlier, later in pairwise(waits))
    assert 1.6 <= waits[0] <= 2.0


def test_the_wait_is_bounded() -> None:
    assert jobs.backoff(60).total_seconds() <= jobs.BACKOFF_LONGEST_SECONDS


@pytest.mark.settings(job_attempts=2)
def test_it_gives_up_after_the_last_try_and_counts_it(session: Session) -> None:
    enqueue(session)
    given_up = []
    for minutes in (0, 30):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes)):
            job = claim(session)[0]
            given_up.append(jobs.retry_job(session, job, error="OSError", permanent=False))
    assert given_up == [False, True]
    assert jobs.count_dead_jobs(session) == 1


def test_a_permanent_failure_is_not_tried_again(session: Session) -> None:
    enqueue(session)
    assert jobs.retry_job(session, claim(session)[0], error="Refused", permanent=True)
    with time_machine.travel(clock.now() + timedelta(days=1)):
        assert claim(session) == []


@pytest.mark.settings(job_attempts=3)
def test_a_job_that_kills_its_worker_each_time_is_given_up(session: Session) -> None:
    enqueue(session)
    moment = clock.now()
    for _ in range(5):
        with time_machine.travel(moment):
            claim(session)
            moment += timedelta(minutes=5)
        with time_machine.travel(moment):
            jobs.release_stale_jobs(session)
    assert the_job(session).status is JobStatus.DEAD
    assert the_job(session).attempts == 3


def test_only_old_finished_work_is_forgotten(session: Session) -> None:
    enqueue(session, "done")
    jobs.finish_job(session, claim(session)[0])
    enqueue(session, "waiting")
    assert jobs.delete_old_jobs(session) == 0
    with time_machine.travel(clock.now() + timedelta(days=8)):
        assert jobs.delete_old_jobs(session) == 1
    assert the_job(session).idempotency_key == "waiting"


@pytest.mark.commits
def test_two_workers_that_claim_at_once_share_the_work(database: Database) -> None:
    with database.unit_of_work() as session:
        for number in range(40):
            jobs.enqueue(session, kind=KIND, payload={}, idempotency_key=str(number))
    start, claimed = Barrier(4), []

    def work(name: str) -> None:
        start.wait()
        while True:
            with database.unit_of_work() as session:
                got = jobs.claim_jobs(session, worker=name, limit=5)
            claimed.extend(job.id for job in got)
            with database.reading() as session:
                if session.scalar(select(Job.id).where(Job.status == JobStatus.READY)) is None:
                    return

    threads = [Thread(target=work, args=(f"here:{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40
