"""A few weeks of a made-up patient's medicines, for demonstrations on a laptop."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger, service
from medical_ai.medications.models import Dose, MedicationSchedule
from medical_ai.medications.schemas import MedicationCreate, TimesSchedule
from medical_ai.medications.states import DoseStatus
from medical_ai.patients.schemas import PatientRef

HISTORY = timedelta(days=14)
LAG = timedelta(minutes=6)
SKIPPED_EVERY, MISSED_EVERY = 11, 17


@dataclass(frozen=True, slots=True)
class Sample:
    """One made-up medicine."""

    name: str
    instructions: str
    times: tuple[str, ...]


SAMPLES = (
    Sample("Amlodipine 5 mg", "1 tablet, with or without food", ("08:00", "20:00")),
    Sample("Metformin 500 mg", "1 tablet with a meal", ("08:00", "18:30")),
    Sample("Atorvastatin 20 mg", "1 tablet in the evening", ("21:00",)),
)


def add_sample_medicines(session: Session, *, actor: Actor, patient: PatientRef) -> None:
    """Give a patient three medicines and two weeks of answered doses."""
    today = clock.now().astimezone(zone_of(patient.home_zone)).date()
    for sample in SAMPLES:
        schedule = TimesSchedule(kind="times", times=list(sample.times))
        service.add_medication(
            session,
            actor=actor,
            patient=patient,
            data=MedicationCreate(
                name=sample.name,
                instructions=sample.instructions,
                schedules=[schedule],
                start_on=today - HISTORY,
            ),
        )
    session.flush()
    _write_history(session, patient)


def _write_history(session: Session, patient: PatientRef) -> None:
    now = clock.now()
    schedules = session.scalars(
        select(MedicationSchedule).where(MedicationSchedule.medication.has(patient_id=patient.id))
    ).all()
    for schedule in schedules:
        planned_until = schedule.planned_until
        schedule.planned_until = now - HISTORY
        session.flush()
        ledger.plan_schedule(session, schedule, now - timedelta(minutes=1))
        session.execute(
            update(MedicationSchedule)
            .where(MedicationSchedule.id == schedule.id)
            .values(planned_until=planned_until)
        )
    session.flush()
    past = session.scalars(
        select(Dose)
        .where(Dose.patient_id == patient.id, Dose.due_at <= now)
        .order_by(Dose.due_at, Dose.id)
    ).all()
    for number, dose in enumerate(past, start=1):
        dose.status = _sample_status(number, is_last=number > len(past) - 1)
        if dose.status in {DoseStatus.TAKEN, DoseStatus.SKIPPED}:
            dose.answered_at = min(dose.due_at + LAG, now)


def _sample_status(number: int, *, is_last: bool) -> DoseStatus:
    if is_last:
        return DoseStatus.TAKEN
    if number % MISSED_EVERY == 0:
        return DoseStatus.MISSED
    return DoseStatus.SKIPPED if number % SKIPPED_EVERY == 0 else DoseStatus.TAKEN
