"""Doses nobody answered: counted as missed, and told to those who may be told, in one go."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.medications.models import Dose, Medication
from medical_ai.medications.states import DoseStatus, MedicationStatus
from medical_ai.patients import alarms
from medical_ai.patients.consent import Alarm

GIVEN_UP_AFTER = timedelta(days=1)
COUNTED_TOGETHER = timedelta(minutes=1)
PATIENTS_AT_ONCE = 200
DOSES_AT_ONCE = 1000


def mark_missed(session: Session) -> int:
    """Count doses nobody answered for long as missed, and tell of them; return how many.

    The wait begins when the reminder went out, or for one that never did, a day after its claim.
    Takes some patients at a time, each with all that they missed: what is left after an outage is
    for the next sweep. Marking and telling are one transaction, so neither is lost or repeated.
    """
    patience = timedelta(minutes=settings_of(session).dose_missed_after_minutes)
    late = session.execute(
        select(Dose.patient_id, Dose.hospital_id)
        .where(_is_over(clock.now(), patience))
        .distinct()
        .limit(PATIENTS_AT_ONCE)
    ).all()
    return sum(_mark_missed_of(session, *patient, patience) for patient in late)


def _is_over(moment: datetime, patience: timedelta) -> ColumnElement[bool]:
    reminded = Dose.status.in_([DoseStatus.SENT, DoseStatus.SEEN]) & (
        Dose.sent_at < moment - patience
    )
    stuck = Dose.status.in_([DoseStatus.DUE, DoseStatus.SENDING]) & (
        Dose.claimed_at < moment - max(patience, GIVEN_UP_AFTER)
    )
    return or_(reminded, stuck)


def _mark_missed_of(
    session: Session, patient_id: UUID, hospital_id: UUID, patience: timedelta
) -> int:
    # Reminders of one moment go out within seconds: a dose that is over a little later than
    # another is counted with it, or who is told would be told of each by itself.
    until = clock.now() + min(COUNTED_TOGETHER, patience / 10)
    doses = session.execute(
        select(Dose.id, Dose.medication_id)
        .where(Dose.patient_id == patient_id, _is_over(until, patience))
        .order_by(Dose.due_at, Dose.id)
        .limit(DOSES_AT_ONCE)
        .with_for_update(skip_locked=True)  # where the database has it; SQLite has one writer
    ).all()
    if not doses:
        return 0  # another worker got there first, or the patient is answering at this moment
    missed = update(Dose).where(Dose.id.in_([dose.id for dose in doses]))
    count = rows_changed(session, missed.values(status=DoseStatus.MISSED))
    taken_still = _list_active(session, {dose.medication_id for dose in doses})
    told_of = next((dose.id for dose in doses if dose.medication_id in taken_still), None)
    if told_of is not None:  # what was stopped meanwhile need not be taken any more
        alarms.raise_alarm(
            session,
            alarm=Alarm.MISSED_DOSE,
            patient_id=patient_id,
            hospital_id=hospital_id,
            subject=("dose", told_of),
        )
    return count


def _list_active(session: Session, medication_ids: set[UUID]) -> set[UUID]:
    active = select(Medication.id).where(
        Medication.id.in_(medication_ids), Medication.status == MedicationStatus.ACTIVE
    )
    return set(session.scalars(active))
