"""Reminders: claim what is due, deliver through the outbox, keep proof per channel.

A dose is claimed and its deliveries are enqueued in one transaction, so a crash leaves either
both or neither. A delivery may be tried twice after a crash; it carries the same key both times,
and a dose answered, stopped or delivered meanwhile is not sent.
"""

from dataclasses import dataclass
from datetime import timedelta
from html import escape
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, rows_changed, settings_of
from medical_ai.core.errors import NotFound
from medical_ai.jobs import service as jobs
from medical_ai.jobs.service import ClaimedJob, PermanentFailure
from medical_ai.medications.models import Dose, DoseDelivery, Medication
from medical_ai.medications.states import DeliveryStatus, DoseStatus, MedicationStatus
from medical_ai.notifications import service as notifications
from medical_ai.notifications.channels import Channel, ChannelFailed, Message
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import service as patients

DELIVER_REMINDER = "reminder.deliver"
IN_APP, EMAIL = "in-app", "email"
LATE_AFTER = timedelta(minutes=10)
WANTED = (DoseStatus.DUE, DoseStatus.SENDING, DoseStatus.SENT)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A reminder that may go out now: the dose it is for, and to whom."""

    dose_id: UUID
    user_id: UUID
    slot: str
    is_late: bool
    email: str | None


def claim_due_doses(session: Session, *, limit: int = 100) -> int:
    """Turn planned doses whose time has come into due ones and enqueue their reminders."""
    due = session.scalars(
        select(Dose)
        .where(Dose.status == DoseStatus.PLANNED, Dose.due_at <= clock.now())
        .order_by(Dose.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)  # where the database has it; SQLite has one writer
    ).all()
    return sum(_claim(session, dose) for dose in due)


def _claim(session: Session, dose: Dose) -> bool:
    claimed = rows_changed(
        session,
        update(Dose)
        .where(Dose.id == dose.id, Dose.status == DoseStatus.PLANNED)
        .values(status=DoseStatus.DUE, claimed_at=clock.now()),
    )
    if claimed != 1:
        return False  # another worker got there first, or the patient answered early
    for channel in _channels(settings_of(session)):
        session.add(DoseDelivery(hospital_id=dose.hospital_id, dose_id=dose.id, channel=channel))
        jobs.enqueue(
            session,
            kind=DELIVER_REMINDER,
            payload={"dose_id": str(dose.id), "channel": channel},
            idempotency_key=f"reminder.{dose.id}.{channel}",
        )
    return True


def _channels(settings: Settings) -> tuple[str, ...]:
    return (IN_APP, EMAIL) if settings.smtp_host else (IN_APP,)


def deliver_reminder(database: Database, job: ClaimedJob, channels: dict[str, Channel]) -> None:
    """Run one delivery job and finish it.

    Raises ChannelFailed or PermanentFailure; the job then goes back to the outbox.
    """
    dose_id, channel = UUID(job.payload["dose_id"]), str(job.payload["channel"])
    if channel == IN_APP:
        with database.unit_of_work() as session:
            _deliver_in_app(session, dose_id, job)
        return
    with database.unit_of_work() as session:
        if not jobs.is_held(session, job):
            return  # this worker was away so long that another one has the job
        outgoing = _begin(session, dose_id, channel)
        if outgoing is None or outgoing.email is None:
            _conclude(session, dose_id, channel, DeliveryStatus.CANCELLED, "")
            jobs.finish_job(session, job)
            return
    message = compose_email(database.settings, outgoing, outgoing.email, job.idempotency_key)
    try:
        receipt = channels[channel].send(message)
    except ChannelFailed as error:
        is_over = error.is_permanent or jobs.is_last_try(database.settings, job)
        status = DeliveryStatus.FAILED if is_over else DeliveryStatus.RETRYING
        with database.unit_of_work() as session:
            _conclude(session, dose_id, channel, status, error.answer)
        if error.is_permanent:
            raise PermanentFailure(error.answer) from error
        raise
    with database.unit_of_work() as session:
        _conclude(session, dose_id, channel, DeliveryStatus.SENT, receipt.answer)
        _mark_sent(session, dose_id)
        jobs.finish_job(session, job)


def _deliver_in_app(session: Session, dose_id: UUID, job: ClaimedJob) -> None:
    outgoing = _begin(session, dose_id, IN_APP)
    if outgoing is None:
        _conclude(session, dose_id, IN_APP, DeliveryStatus.CANCELLED, "")
    else:
        dose = session.get_one(Dose, dose_id)
        notifications.post_notice(
            session,
            user_id=outgoing.user_id,
            hospital_id=dose.hospital_id,
            kind=NoticeKind.DOSE_DUE,
            subject_id=dose_id,
            key=job.idempotency_key,
        )
        _conclude(session, dose_id, IN_APP, DeliveryStatus.SENT, "")
        _mark_sent(session, dose_id)
    jobs.finish_job(session, job)


def _begin(session: Session, dose_id: UUID, channel: str) -> Outgoing | None:
    row = session.execute(
        select(Dose, DoseDelivery.status)
        .join(DoseDelivery, DoseDelivery.dose_id == Dose.id)
        .join(Medication, Medication.id == Dose.medication_id)
        .where(
            Dose.id == dose_id,
            DoseDelivery.channel == channel,
            Medication.status == MedicationStatus.ACTIVE,
        )
    ).one_or_none()
    if row is None or row[1] is DeliveryStatus.SENT:
        return None
    dose: Dose = row[0]
    user_id = _find_recipient(session, dose.patient_id)
    if dose.status not in WANTED or user_id is None:
        return None  # answered, missed or taken back since it was claimed
    _advance(session, dose_id, DoseStatus.DUE, DoseStatus.SENDING)
    return Outgoing(
        dose_id=dose_id,
        user_id=user_id,
        slot=dose.slot,
        is_late=clock.now() - dose.due_at > LATE_AFTER,
        email=auth.get_email(session, user_id=user_id),
    )


def _find_recipient(session: Session, patient_id: UUID) -> UUID | None:
    try:
        return patients.get_patient(session, patient_id).user_id
    except NotFound:  # the record was deleted, and a copy of the dose came back from a backup
        return None


def _mark_sent(session: Session, dose_id: UUID) -> None:
    if _advance(session, dose_id, DoseStatus.SENDING, DoseStatus.SENT, sent_at=clock.now()):
        dose = session.get_one(Dose, dose_id)
        audit.record(
            session,
            tag=AuditTag.REMINDER_SENT,
            hospital_id=dose.hospital_id,
            patient_id=dose.patient_id,
            subject=("dose", dose_id),
        )


def _advance(
    session: Session, dose_id: UUID, before: DoseStatus, after: DoseStatus, **more: object
) -> bool:
    change = update(Dose).where(Dose.id == dose_id, Dose.status == before)
    return rows_changed(session, change.values(status=after, **more)) == 1


def _conclude(
    session: Session, dose_id: UUID, channel: str, status: DeliveryStatus, answer: str
) -> None:
    rows_changed(
        session,
        update(DoseDelivery)
        .where(
            DoseDelivery.dose_id == dose_id,
            DoseDelivery.channel == channel,
            DoseDelivery.status != DeliveryStatus.SENT,
        )
        .values(
            status=status, answer=answer[:64], at=clock.now(), attempts=DoseDelivery.attempts + 1
        ),
    )


def compose_email(settings: Settings, outgoing: Outgoing, to: str, key: str) -> Message:
    """Write the reminder. No medicine is named: mail is read on lock screens and by others."""
    day, _, at = outgoing.slot.partition("T")
    link = f"{settings.public_url.rstrip('/')}/app/today"
    opening = (
        f"This reminder is late: a dose was due at {at} on {day}."
        if outgoing.is_late
        else f"It is {at}: time for your medicine."
    )
    advice = (
        "Look at what it is before you take it, and do not take a double dose."
        if outgoing.is_late
        else "Open the assistant to see what it is and to mark it taken."
    )
    return Message(
        key=key,
        to=to,
        subject="Late reminder: a dose was due" if outgoing.is_late else "Time for your medicine",
        text=f"{opening}\n\n{advice}\n\n{link}\n",
        html=f"<p>{escape(opening)}</p><p>{escape(advice)}</p>"
        f'<p><a href="{escape(link)}">Open today\'s doses</a></p>',
    )
