"""The dose ledger: plan ahead, answer, list. No sending here, see `reminders`."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import Conflict, InvalidInput, NotFound
from medical_ai.core.ids import new_id
from medical_ai.core.logging import get_logger
from medical_ai.core.zones import zone_of
from medical_ai.medications.models import Dose, DoseDelivery, Medication, MedicationSchedule
from medical_ai.medications.schedule import PlannedDose, TimesOfDay, doses_between
from medical_ai.medications.schemas import DeliveryRead, DoseRead
from medical_ai.medications.states import UNANSWERED, DeliveryStatus, DoseStatus, MedicationStatus
from medical_ai.notifications import service as notifications
from medical_ai.patients import service as patients
from medical_ai.patients.redaction import redact_output, viewer_of
from medical_ai.patients.schemas import PatientRef

ANSWERABLE_AHEAD = timedelta(hours=12)
RENEWED_BEFORE = timedelta(hours=12)
LONGEST_SPAN = timedelta(days=92)
ONE_MINUTE = timedelta(minutes=1)
MAX_LISTED = 20_000
MEASURED = 10_000
PLAN_BATCH = 1000


def plan_schedule(
    session: Session,
    schedule: MedicationSchedule,
    until: datetime,
    *,
    known_before: datetime | None = None,
) -> int:
    """Write a schedule's doses into the ledger up to a moment; return how many.

    Doses due before `known_before` were over when the patient wrote the schedule down: they can
    be marked, and nobody is reminded of them.

    The watermark moves by a conditional update, so of two workers that plan the same schedule
    one writes and the other finds nothing to do.
    """
    planned_until = schedule.planned_until
    # Locked, so that the times are not changed while their doses are written.
    medication = session.get_one(Medication, schedule.medication_id, with_for_update=True)
    won = rows_changed(
        session,
        update(MedicationSchedule)
        .where(
            MedicationSchedule.id == schedule.id,
            MedicationSchedule.planned_until == planned_until,
            MedicationSchedule.ended_at.is_(None),
        )
        .values(planned_until=until),
    )
    if won != 1:
        return 0
    set_committed_value(schedule, "planned_until", until)
    rule = times_of_day(schedule.rule, medication.start_on, medication.end_on)
    written = _slots_since(session, medication.id, planned_until)
    planned = [
        dose
        for dose in doses_between(rule, zone_of(schedule.zone), planned_until, until)
        if dose.slot not in written
    ]
    session.add_all(_new_dose(schedule, dose, known_before) for dose in planned)
    return len(planned)


def _slots_since(session: Session, medication_id: UUID, moment: datetime) -> set[str]:
    # Of any schedule: one that was replaced leaves answered doses, not to be asked for again.
    slots = select(Dose.slot).where(Dose.medication_id == medication_id, Dose.due_at > moment)
    return set(session.scalars(slots))


def _new_dose(
    schedule: MedicationSchedule, dose: PlannedDose, known_before: datetime | None
) -> Dose:
    was_over = known_before is not None and dose.due_at < known_before
    return Dose(
        id=new_id(),
        hospital_id=schedule.hospital_id,
        patient_id=schedule.medication.patient_id,
        medication_id=schedule.medication_id,
        schedule_id=schedule.id,
        slot=dose.slot,
        zone=schedule.zone,
        due_at=dose.due_at,
        status=DoseStatus.SEEN if was_over else DoseStatus.PLANNED,
    )


def plan_ahead(session: Session) -> int:
    """Plan every active schedule whose ledger runs short; return how many doses were written."""
    hours = settings_of(session).plan_ahead_hours
    now = clock.now()
    short = session.scalars(
        select(MedicationSchedule)
        .join(Medication)
        .where(
            MedicationSchedule.ended_at.is_(None),
            MedicationSchedule.planned_until < now + timedelta(hours=hours) - RENEWED_BEFORE,
            Medication.status == MedicationStatus.ACTIVE,
        )
        .options(selectinload(MedicationSchedule.medication))
        .order_by(MedicationSchedule.planned_until)
        .limit(PLAN_BATCH)
    ).all()
    until = now + timedelta(hours=hours)
    return sum(_plan_one(session, schedule, until) for schedule in short)


def _plan_one(session: Session, schedule: MedicationSchedule, until: datetime) -> int:
    # One schedule that cannot be planned, such as in a zone that was abolished, is reported and
    # left for the next round; the others are planned.
    try:
        with session.begin_nested():
            return plan_schedule(session, schedule, until)
    except (ValueError, KeyError, IntegrityError) as error:
        get_logger().error("schedule.not-planned", exc_info=error, subject_id=schedule.id)
        return 0


def cancel_future_doses(session: Session, medication_id: UUID) -> None:
    """Take back planned doses that are not due yet; what was due stays in the ledger.

    Doses that were over when the medicine was written down, and were never marked, go with them.
    """
    to_come = (Dose.status == DoseStatus.PLANNED) & (Dose.due_at > clock.now())
    never_asked = (Dose.status == DoseStatus.SEEN) & Dose.sent_at.is_(None)
    rows_changed(
        session,
        delete(Dose).where(Dose.medication_id == medication_id, or_(to_come, never_asked)),
    )


def answer_dose(session: Session, *, actor: Actor, dose_id: UUID, status: DoseStatus) -> DoseRead:
    """Write that a dose was taken or skipped; a later answer corrects an earlier one.

    Raises NotFound for outsiders and Conflict for a dose that is still far ahead.
    """
    dose, patient = get_dose_for(session, actor, dose_id, Permission.DOSE_ANSWER)
    if dose.due_at > clock.now() + ANSWERABLE_AHEAD:
        raise Conflict("This dose is not due for many hours yet.")
    if dose.status != status:
        answered = rows_changed(
            session,
            update(Dose)
            .where(Dose.id == dose.id)  # whatever the worker made of it: the patient knows best
            .values(status=status, answered_at=clock.now()),
        )
        if answered != 1:
            raise Conflict("This dose was taken back meanwhile. Look again.")
        session.expire(dose, ["status", "answered_at"])
        tag = AuditTag.DOSE_TAKEN if status is DoseStatus.TAKEN else AuditTag.DOSE_SKIPPED
        audit.record(
            session, tag=tag, actor=actor, patient_id=patient.id, subject=("dose", dose.id)
        )
    notifications.mark_read(session, actor=actor, subject_id=dose.id)
    found = read_doses(session, patient, [dose])[0]
    return redact_output(found, "dose", viewer_of(actor, patient))


def get_dose_for(
    session: Session, actor: Actor, dose_id: UUID, permission: str
) -> tuple[Dose, PatientRef]:
    """Return a dose and its patient. Raises NotFound unless the actor may deal with them."""
    # In one query, found or not, and asked for in either case: both answers take the same time.
    wanted = (
        select(Dose)
        .where(Dose.id == dose_id, Dose.hospital_id == actor.tenant_id)
        .options(joinedload(Dose.deliveries))
    )
    dose = session.scalars(wanted).unique().one_or_none()
    asked = dose.patient_id if dose else None
    patient = patients.get_patient_for(session, actor, asked, permission)
    if dose is None:
        raise NotFound
    return dose, patient


def get_dose(session: Session, *, actor: Actor, dose_id: UUID) -> DoseRead:
    """Return one dose. Raises NotFound unless the actor may see it."""
    dose, patient = get_dose_for(session, actor, dose_id, Permission.MEDICATION_READ)
    found = read_doses(session, patient, [dose])[0]
    return redact_output(found, "dose", viewer_of(actor, patient))


def list_doses(
    session: Session,
    *,
    actor: Actor,
    patient: PatientRef,
    start: datetime | None = None,
    end: datetime | None = None,
    after_id: UUID | None = None,
    limit: int = MAX_LISTED,
) -> list[DoseRead]:
    """Return a patient's doses with `start` ≤ due < `end`, in order; today's without bounds.

    `after_id` is the last dose of the page before. Raises InvalidInput for a span of more than
    three months.
    """
    actor.require(Permission.MEDICATION_READ)
    today_start, today_end = day_bounds(patient, clock.now())
    if start is None and end is None:
        start, end = today_start, today_end
    try:
        start = start or (end or today_end) - timedelta(days=1)
        end = end or start + timedelta(days=1)
    except OverflowError:
        raise InvalidInput("This is outside the calendar.") from None
    if end - start > LONGEST_SPAN:
        raise InvalidInput("Ask for at most three months at once.")
    wanted = (
        select(Dose)
        .where(Dose.patient_id == patient.id, Dose.due_at >= start, Dose.due_at < end)
        .options(selectinload(Dose.deliveries))
        .order_by(Dose.due_at, Dose.id)
        .limit(limit)
    )
    last = session.get(Dose, after_id) if after_id else None
    if last is not None:
        wanted = wanted.where(tuple_(Dose.due_at, Dose.id) > tuple_(last.due_at, last.id))
    return read_doses(session, patient, session.scalars(wanted).all())


def find_next_dose(session: Session, *, actor: Actor, patient: PatientRef) -> DoseRead | None:
    """Return the first unanswered dose from this minute on, if one is planned."""
    actor.require(Permission.MEDICATION_READ)
    dose = session.scalar(
        select(Dose)
        .where(
            Dose.patient_id == patient.id,
            Dose.due_at >= clock.now().replace(second=0, microsecond=0),
            Dose.status.in_(UNANSWERED),
        )
        .options(selectinload(Dose.deliveries))
        .order_by(Dose.due_at, Dose.id)
        .limit(1)
    )
    return read_doses(session, patient, [dose])[0] if dose else None


def read_doses(session: Session, patient: PatientRef, doses: Iterable[Dose]) -> list[DoseRead]:
    """Open what is sealed and return doses as they are answered."""
    doses = list(doses)
    names = medicine_names(session, patient, {dose.medication_id for dose in doses})
    return [
        DoseRead(
            id=dose.id,
            medication_id=dose.medication_id,
            medication=name_of(dose, patient, names),
            status=dose.status,
            due_at=dose.due_at,
            due_local=dose.slot,
            zone=dose.zone,
            answered_at=dose.answered_at,
            deliveries=[DeliveryRead.model_validate(one) for one in dose.deliveries],
        )
        for dose in doses
    ]


def keep_former_name(session: Session, patient: PatientRef, medication_id: UUID, name: str) -> None:
    """Let the doses that are in the ledger for good keep the name they were taken under."""
    past = session.scalars(
        select(Dose).where(
            Dose.medication_id == medication_id,
            Dose.name_sealed.is_(None),
            or_(Dose.status != DoseStatus.PLANNED, Dose.due_at <= clock.now()),
        )
    )
    for dose in past:
        dose.name_sealed = patient.vault.seal_text(name, "doses", "name", dose.id)


def name_of(dose: Dose, patient: PatientRef, names: dict[UUID, str]) -> str:
    """Return what a dose's medicine was called at the time; `names` are those of now."""
    if dose.name_sealed is None:
        return names[dose.medication_id]
    return patient.vault.open_text(dose.name_sealed, "doses", "name", dose.id)


def medicine_names(session: Session, patient: PatientRef, ids: set[UUID]) -> dict[UUID, str]:
    """Return the names of a patient's medicines by id."""
    if not ids:
        return {}
    rows = session.execute(
        select(Medication.id, Medication.name_sealed).where(
            Medication.id.in_(ids), Medication.patient_id == patient.id
        )
    )
    return {
        row.id: patient.vault.open_text(row.name_sealed, "medications", "name", row.id)
        for row in rows
    }


def lateness_p99(session: Session) -> float | None:
    """Return how late the last day's reminders were, in seconds, at the 99th percentile.

    Every channel that delivered counts, so a slow one shows.
    """
    rows = session.execute(
        select(Dose.due_at, DoseDelivery.at)
        .join(DoseDelivery, DoseDelivery.dose_id == Dose.id)
        .where(
            DoseDelivery.status == DeliveryStatus.SENT,
            DoseDelivery.at > clock.now() - timedelta(days=1),
        )
        .order_by(DoseDelivery.at.desc())
        .limit(MEASURED)
    ).all()
    if not rows:
        return None
    late = sorted(max(0.0, (row.at - row.due_at).total_seconds()) for row in rows)
    p99: float = late[min(len(late) - 1, int(len(late) * 0.99))]
    return round(p99, 3)


def day_bounds(patient: PatientRef, moment: datetime) -> tuple[datetime, datetime]:
    """Return where the patient's local day around a moment starts and ends, in UTC."""
    zone = zone_of(patient.home_zone)
    return bounds_of(moment.astimezone(zone).date(), zone)


def bounds_of(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return where a local day starts and ends; 23 or 25 hours apart when the clocks change."""
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    utc = clock.now().tzinfo
    return start.astimezone(utc), end.astimezone(utc)


def times_of_day(rule: dict[str, list[str]], first: date, last: date | None) -> TimesOfDay:
    """Return a stored rule as the value that schedule arithmetic takes."""
    return TimesOfDay(
        times=tuple(time.fromisoformat(text) for text in rule["times"]),
        days=frozenset(rule["days"]),
        first_day=first,
        last_day=last,
    )
