"""Reminders: claimed once, delivered with proof, cancelled when no longer wanted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.jobs.service import ClaimedJob, PermanentFailure
from medical_ai.medications import ledger, reminders
from medical_ai.medications.models import Dose, DoseDelivery
from medical_ai.medications.states import DeliveryStatus, DoseStatus
from medical_ai.notifications import service as notifications
from medical_ai.notifications.channels import ChannelFailed, EmailChannel
from tests.support.mail import MailSink
from tests.support.medicines import MEDICINE, due_dose
from tests.support.people import Person

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Let it be noon in Berlin."""
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return settings.model_copy(
        update={
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_security": "none",
            "smtp_timeout_seconds": 1,
            "public_url": "https://assistant.long-named-university-hospital.example.org",
        }
    )


@pytest.fixture
def dose_id(database: Database, alice: Person) -> UUID:
    """Alice's dose of this minute."""
    return due_dose(database, alice, NOON)


def claim(database: Database, worker: str = "here:1") -> list[ClaimedJob]:
    """Claim what is due and the jobs that come of it, as a worker's tick does."""
    with database.unit_of_work() as session:
        reminders.claim_due_doses(session)
        session.flush()
        return jobs.claim_jobs(session, worker=worker, limit=100)


def job_for(claimed: list[ClaimedJob], channel: str) -> ClaimedJob:
    """Return the job of one channel."""
    return next(job for job in claimed if job.payload["channel"] == channel)


def run(database: Database, job: ClaimedJob) -> None:
    """Run one delivery."""
    channel = EmailChannel(database.settings)
    reminders.deliver_reminder(database, job, {"email": channel})


def delivery(database: Database, channel: str) -> DoseDelivery:
    """Return the proof of one channel."""
    with database.reading() as session:
        return session.scalars(select(DoseDelivery).where(DoseDelivery.channel == channel)).one()


def dose_status(database: Database, dose_id: UUID) -> DoseStatus:
    """Return where a dose is in the ledger."""
    with database.reading() as session:
        return session.get_one(Dose, dose_id).status


def job_status(session: Session, job: ClaimedJob) -> JobStatus:
    """Return where a job is."""
    session.expire_all()
    return session.get_one(Job, job.id).status


def test_a_due_dose_becomes_one_job_for_each_channel(database: Database, dose_id: UUID) -> None:
    claimed = claim(database)
    assert sorted(job.payload["channel"] for job in claimed) == ["email", "in-app"]
    assert dose_status(database, dose_id) is DoseStatus.DUE
    assert claim(database) == []


@pytest.mark.usefixtures("dose_id")
def test_the_payload_holds_ids_and_nothing_clinical(database: Database) -> None:
    for job in claim(database):
        assert set(job.payload) == {"dose_id", "channel"}
        assert "anubrutinib" not in str(job)


def test_a_dose_to_come_is_not_claimed(database: Database, alice: Person) -> None:
    due_dose(database, alice, NOON + timedelta(hours=1))
    assert claim(database) == []


def test_an_email_is_sent_and_proven(database: Database, dose_id: UUID, mail: MailSink) -> None:
    run(database, job_for(claim(database), "email"))
    proof = delivery(database, "email")
    assert (proof.status, proof.answer, proof.attempts) == (DeliveryStatus.SENT, "250", 1)
    assert dose_status(database, dose_id) is DoseStatus.SENT
    assert [message["To"] for message in mail.taken] == ["alice@example.org"]


@pytest.mark.usefixtures("dose_id")
def test_an_email_never_names_the_medicine(database: Database, mail: MailSink) -> None:
    run(database, job_for(claim(database), "email"))
    raw = mail.taken[0].as_string().lower()
    parts = [part.get_content().lower() for part in mail.taken[0].walk() if not part.is_multipart()]
    for word in (MEDICINE.split()[0].lower(), MEDICINE.split(maxsplit=1)[1].lower()):
        assert all(word not in text for text in [raw.split("mime-version")[0], *parts]), word
    assert any("/app/today" in text for text in parts)


def test_the_message_id_is_the_key_word_for_word(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    run(database, job_for(claim(database), "email"))
    host = "assistant.long-named-university-hospital.example.org"
    assert mail.message_ids == [f"<reminder.{dose_id}.email@{host}>"]


def test_a_notice_waits_in_the_app_once(database: Database, alice: Person, dose_id: UUID) -> None:
    job = job_for(claim(database), "in-app")
    run(database, job)
    run(database, job)  # the same job again, as after a crash
    with database.reading() as session:
        notices = notifications.list_notices(session, actor=alice.actor)
    assert [notice.subject_id for notice in notices] == [dose_id]


@pytest.mark.usefixtures("dose_id")
def test_a_delivery_that_was_proven_is_not_sent_again(database: Database, mail: MailSink) -> None:
    job = job_for(claim(database), "email")
    run(database, job)
    with database.unit_of_work() as session:
        session.get_one(Job, job.id).status = JobStatus.READY
    run(database, claim(database, "here:2")[0])
    assert len(mail.taken) == 1


def test_a_dose_taken_between_claim_and_send_is_not_sent(
    database: Database, alice: Person, dose_id: UUID, mail: MailSink
) -> None:
    claimed = claim(database)
    with database.unit_of_work() as session:
        ledger.answer_dose(session, actor=alice.actor, dose_id=dose_id, status=DoseStatus.TAKEN)
    for job in claimed:
        run(database, job)
    assert mail.tries == 0
    assert delivery(database, "email").status is DeliveryStatus.CANCELLED
    assert delivery(database, "in-app").status is DeliveryStatus.CANCELLED
    assert dose_status(database, dose_id) is DoseStatus.TAKEN
    with database.reading() as session:
        assert notifications.count_unread(session, actor=alice.actor) == 0


def test_a_dose_taken_before_it_is_due_is_never_claimed(database: Database, alice: Person) -> None:
    dose_id = due_dose(database, alice, NOON + timedelta(hours=1))
    with database.unit_of_work() as session:
        ledger.answer_dose(session, actor=alice.actor, dose_id=dose_id, status=DoseStatus.TAKEN)
    with time_machine.travel(NOON + timedelta(hours=1, minutes=1)):
        assert claim(database) == []


def test_a_refusal_for_now_is_tried_again(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    mail.behaviour = "450"
    job = job_for(claim(database), "email")
    with pytest.raises(ChannelFailed) as failure:
        run(database, job)
    assert not failure.value.is_permanent
    assert (delivery(database, "email").status, delivery(database, "email").answer) == (
        DeliveryStatus.RETRYING,
        "450",
    )
    mail.behaviour = "ok"
    run(database, job)
    assert delivery(database, "email").attempts == 2
    assert dose_status(database, dose_id) is DoseStatus.SENT


@pytest.mark.usefixtures("dose_id")
def test_a_refusal_for_good_is_given_up_at_once(database: Database, mail: MailSink) -> None:
    mail.behaviour = "550"
    with pytest.raises(PermanentFailure):
        run(database, job_for(claim(database), "email"))
    assert delivery(database, "email").status is DeliveryStatus.FAILED


@pytest.mark.usefixtures("dose_id")
@pytest.mark.parametrize("behaviour", ["drop", "stall"])
def test_a_lost_answer_is_tried_again_with_the_same_message_id(
    database: Database, mail: MailSink, behaviour: str
) -> None:
    mail.behaviour = behaviour
    job = job_for(claim(database), "email")
    with pytest.raises(ChannelFailed):
        run(database, job)
    mail.behaviour = "ok"
    run(database, job)
    assert len(set(mail.message_ids)) == 1
    assert delivery(database, "email").status is DeliveryStatus.SENT


@pytest.mark.usefixtures("dose_id")
def test_a_message_that_was_taken_counts_however_rudely_the_server_parts(
    database: Database, mail: MailSink
) -> None:
    mail.behaviour = "rude-quit"
    run(database, job_for(claim(database), "email"))
    assert delivery(database, "email").status is DeliveryStatus.SENT


def test_a_worker_that_lost_its_claim_sends_nothing(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    frozen = job_for(claim(database), "email")
    with time_machine.travel(NOON + timedelta(minutes=5)):
        with database.unit_of_work() as session:
            jobs.release_stale_jobs(session)
        fresh = job_for(claim(database, "here:2"), "email")
        run(database, frozen)
        assert mail.tries == 0
        run(database, fresh)
    assert len(mail.taken) == 1
    with database.reading() as session:
        assert job_status(session, fresh) is JobStatus.DONE
    assert dose_status(database, dose_id) is DoseStatus.SENT


def test_a_late_reminder_says_that_it_is_late(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    with time_machine.travel(NOON + timedelta(hours=1)):
        run(database, job_for(claim(database), "email"))
    assert "Late" in mail.taken[0]["Subject"]
    assert dose_status(database, dose_id) is DoseStatus.SENT


def test_an_account_that_is_suspended_gets_no_email(
    database: Database, alice: Person, dose_id: UUID, mail: MailSink
) -> None:
    claimed = claim(database)
    with database.unit_of_work() as session:
        from medical_ai.auth.models import User

        session.get_one(User, alice.user_id).suspended_at = NOON
    run(database, job_for(claimed, "email"))
    assert mail.tries == 0
    assert dose_status(database, dose_id) is not DoseStatus.SENT


@pytest.mark.commits
def test_two_workers_that_claim_at_once_deliver_one_email(
    database: Database, dose_id: UUID, mail: MailSink
) -> None:
    start = Barrier(4)

    def work(name: str) -> None:
        start.wait()
        for job in claim(database, name):
            run(database, job)

    threads = [Thread(target=work, args=(f"here:{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mail.taken) == 1
    assert dose_status(database, dose_id) is DoseStatus.SENT


@pytest.mark.settings(smtp_host="")
@pytest.mark.usefixtures("dose_id")
def test_the_lateness_is_measured(database: Database) -> None:
    with time_machine.travel(NOON + timedelta(seconds=3)):
        for job in claim(database):
            run(database, job)
        with database.reading() as session:
            lateness = ledger.lateness_p99(session)
    assert lateness is not None
    assert 3.0 <= lateness < 6.0
