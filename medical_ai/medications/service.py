"""A patient's medicines: add, change, stop, list."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from medical_ai.core.events import RecordReplaced
from medical_ai.core.ids import new_id
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger
from medical_ai.medications.models import Medication, MedicationSchedule
from medical_ai.medications.schemas import (
    MedicationCreate,
    MedicationRead,
    MedicationUpdate,
    ScheduleRead,
    TimesSchedule,
    spoken_course,
    spoken_schedule,
)
from medical_ai.medications.states import MedicationStatus
from medical_ai.patients import service as patients
from medical_ai.patients.redaction import redact_output, viewer_of
from medical_ai.patients.schemas import PatientRef

MAX_ACTIVE = 100


def add_medication(
    session: Session, *, actor: Actor, patient: PatientRef, data: MedicationCreate
) -> MedicationRead:
    """Add a medicine and write its doses from today on into the ledger.

    Today's earlier ones are there to be marked; reminders go out for what is still to come.

    Raises Conflict when the list is full.
    """
    patient = patients.get_patient_for(session, actor, patient.id, Permission.MEDICATION_WRITE)
    if len(_list(session, patient, include_stopped=False)) >= MAX_ACTIVE:
        raise Conflict(f"The list holds {MAX_ACTIVE} medicines at most.")
    today = clock.now().astimezone(zone_of(patient.home_zone)).date()
    start_on = data.start_on or today
    _check_days(start_on, data.end_on, today)
    vault, medication_id = patient.vault, new_id()
    medication = Medication(
        id=medication_id,
        hospital_id=patient.hospital_id,
        patient_id=patient.id,
        name_sealed=vault.seal_text(data.name, "medications", "name", medication_id),
        instructions_sealed=vault.seal_text(
            data.instructions, "medications", "instructions", medication_id
        ),
        start_on=start_on,
        end_on=data.end_on,
    )
    session.add(medication)
    midnight, _ = ledger.day_bounds(patient, clock.now())
    _set_schedules(session, medication, data.schedules, patient.home_zone, since=midnight)
    _record(session, actor, AuditTag.MEDICATION_ADDED, medication)
    return _read(medication, vault)


def change_medication(
    session: Session, *, actor: Actor, medication_id: UUID, data: MedicationUpdate
) -> MedicationRead:
    """Change a medicine. New times replace the doses that are not due yet.

    Raises NotFound for outsiders and Conflict for a stopped medicine.
    """
    medication, patient = get_medication_for(
        session, actor, medication_id, Permission.MEDICATION_WRITE
    )
    if medication.status is MedicationStatus.STOPPED:
        raise Conflict("This medicine was stopped. Add it again to take it again.")
    _set_texts(session, patient, medication, data)
    ends_otherwise = "end_on" in data.model_fields_set  # null takes the last day back
    if ends_otherwise:
        _check_days(medication.start_on, data.end_on, medication.start_on)
        medication.end_on = data.end_on
    if data.schedules is not None or ends_otherwise:
        _replan(session, medication, data.schedules, patient.home_zone)
    _record(session, actor, AuditTag.MEDICATION_CHANGED, medication)
    return _read(medication, patient.vault)


def stop_medication(session: Session, *, actor: Actor, medication_id: UUID) -> None:
    """Stop a medicine and take back its future doses; what was taken stays in the history.

    Raises NotFound if the actor may not see the medicine.
    """
    medication, _ = get_medication_for(session, actor, medication_id, Permission.MEDICATION_WRITE)
    if medication.status is MedicationStatus.STOPPED:
        return
    _end_schedules(session, medication)
    medication.status = MedicationStatus.STOPPED
    medication.stopped_at = clock.now()
    _record(session, actor, AuditTag.MEDICATION_STOPPED, medication)


def get_medication(session: Session, *, actor: Actor, medication_id: UUID) -> MedicationRead:
    """Return one medicine. Raises NotFound unless the actor may see it."""
    medication, patient = get_medication_for(
        session, actor, medication_id, Permission.MEDICATION_READ
    )
    return redact_output(_read(medication, patient.vault), "medication", viewer_of(actor, patient))


def list_medications(
    session: Session, *, actor: Actor, patient: PatientRef, include_stopped: bool = False
) -> list[MedicationRead]:
    """Return a patient's medicines, the active ones first, in order of their names."""
    patients.get_patient_for(session, actor, patient.id, Permission.MEDICATION_READ)
    found = [
        _read(one, patient.vault)
        for one in _list(session, patient, include_stopped=include_stopped)
    ]
    return sorted(found, key=lambda one: (one.status.value, one.name.casefold()))


def erase_record(session: Session, *, patient_id: UUID) -> int:
    """Delete a patient's medicines with their times, doses and deliveries; return how many."""
    return rows_changed(session, delete(Medication).where(Medication.patient_id == patient_id))


def refuse_to_let_go(session: Session, event: RecordReplaced) -> None:
    """Keep a record that has medicines with its account. Raises Conflict."""
    kept = select(Medication.id).where(Medication.patient_id == event.patient_id).limit(1)
    if session.scalar(kept) is not None:
        raise Conflict("Your account has a record with medicines already. Use a new account.")


def get_medication_for(
    session: Session, actor: Actor, medication_id: UUID, permission: str
) -> tuple[Medication, PatientRef]:
    """Return a medicine and its patient. Raises NotFound unless the actor may deal with them."""
    wanted = select(Medication).where(
        Medication.id == medication_id, Medication.hospital_id == actor.tenant_id
    )
    # Changes to one medicine, and planning it, come one after the other.
    to_write = permission == Permission.MEDICATION_WRITE
    medication = session.scalar(wanted.with_for_update() if to_write else wanted)
    # Asked in either case: both answers take the same time.
    asked = medication.patient_id if medication else None
    patient = patients.get_patient_for(session, actor, asked, permission)
    if medication is None:
        raise NotFound
    return medication, patient


def _list(session: Session, patient: PatientRef, *, include_stopped: bool) -> list[Medication]:
    query = select(Medication).where(Medication.patient_id == patient.id)
    if not include_stopped:
        query = query.where(Medication.status == MedicationStatus.ACTIVE)
    return list(session.scalars(query))


def _set_schedules(
    session: Session,
    medication: Medication,
    wanted: list[TimesSchedule],
    zone: str,
    *,
    since: datetime | None = None,
) -> None:
    # From the start of this minute: who adds a medicine at 08:00:20 for 08:00 means today.
    minute = clock.now().replace(second=0, microsecond=0)
    after = min(since or minute, minute) - timedelta(microseconds=1)
    until = minute + timedelta(hours=settings_of(session).plan_ahead_hours)
    for one in wanted:
        schedule = MedicationSchedule(
            id=new_id(),
            hospital_id=medication.hospital_id,
            medication=medication,
            kind=one.kind,
            rule=one.model_dump(exclude={"kind"}),
            zone=zone,
            planned_until=after,
        )
        session.add(schedule)
        session.flush()
        ledger.plan_schedule(session, schedule, until, known_before=minute)


def _set_texts(
    session: Session, patient: PatientRef, medication: Medication, data: MedicationUpdate
) -> None:
    was = _open_texts(medication, patient.vault)
    for field, text in (("name", data.name), ("instructions", data.instructions)):
        if text is None or text == was[field]:
            continue
        if field == "name":
            ledger.keep_former_name(session, patient, medication.id, was["name"])
        sealed = patient.vault.seal_text(text, "medications", field, medication.id)
        setattr(medication, f"{field}_sealed", sealed)


def _open_texts(medication: Medication, vault: KeyRing) -> dict[str, str]:
    return {
        field: vault.open_text(
            getattr(medication, f"{field}_sealed"), "medications", field, medication.id
        )
        for field in ("name", "instructions")
    }


def _replan(
    session: Session, medication: Medication, wanted: list[TimesSchedule] | None, zone: str
) -> None:
    kept = wanted or [
        TimesSchedule.model_validate({"kind": one.kind} | one.rule) for one in _current(medication)
    ]
    _end_schedules(session, medication)
    _set_schedules(session, medication, kept, zone)


def _end_schedules(session: Session, medication: Medication) -> None:
    now = clock.now()
    for schedule in _current(medication):
        schedule.ended_at = now
    session.flush()
    ledger.cancel_future_doses(session, medication.id)


def _current(medication: Medication) -> list[MedicationSchedule]:
    """Return the schedules in force; for a stopped medicine, those that were so at the end."""
    if medication.status is MedicationStatus.STOPPED:
        last = max((one.ended_at for one in medication.schedules if one.ended_at), default=None)
        return [one for one in medication.schedules if one.ended_at == last]
    return [one for one in medication.schedules if one.ended_at is None]


def _check_days(start_on: date, end_on: date | None, not_before: date) -> None:
    if end_on is not None and end_on < max(start_on, not_before):
        raise InvalidInput(fields=(FieldProblem("end_on", "The last day is already over."),))


def _record(session: Session, actor: Actor, tag: AuditTag, medication: Medication) -> None:
    audit.record(
        session,
        tag=tag,
        actor=actor,
        patient_id=medication.patient_id,
        subject=("medication", medication.id),
    )


def _summary(medication: Medication, schedules: list[ScheduleRead]) -> str:
    times = "; ".join(spoken_schedule(one.times, one.days) for one in schedules)
    zone = zone_of(schedules[0].zone if schedules else "UTC")
    today = clock.now().astimezone(zone).date()
    return times + spoken_course(medication.start_on, medication.end_on, today)


def _read(medication: Medication, vault: KeyRing) -> MedicationRead:
    schedules = [
        ScheduleRead(kind=one.kind, zone=one.zone, **one.rule) for one in _current(medication)
    ]
    return MedicationRead(
        id=medication.id,
        **_open_texts(medication, vault),
        status=medication.status,
        schedules=schedules,
        summary=_summary(medication, schedules),
        start_on=medication.start_on,
        end_on=medication.end_on,
        created_at=medication.created_at,
        stopped_at=medication.stopped_at,
    )
