"""Medicines and doses for tests: added through the service, as an endpoint would."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core.database import Database
from medical_ai.core.zones import zone_of
from medical_ai.medications import service
from medical_ai.medications.models import Dose
from medical_ai.medications.schemas import MedicationCreate, MedicationRead
from tests.support.people import Person, record_of

MEDICINE = "Zanubrutinib 80 mg"


def medicine_of(times: list[str], **more: Any) -> MedicationCreate:
    """Return a medicine to add; `days` goes to its schedule."""
    schedule = {"kind": "times", "times": times}
    if "days" in more:
        schedule["days"] = more.pop("days")
    return MedicationCreate.model_validate(
        {"name": MEDICINE, "schedules": [schedule]} | more, strict=False
    )


def add_medicine(session: Session, person: Person, times: list[str], **more: Any) -> MedicationRead:
    """Put a medicine on a patient's own list."""
    added = service.add_medication(
        session,
        actor=person.actor,
        patient=record_of(session, person),
        data=medicine_of(times, **more),
    )
    session.flush()
    return added


def doses_of(session: Session, medication_id: UUID | None = None) -> list[Dose]:
    """Return the doses in the ledger in order of their time."""
    query = select(Dose).order_by(Dose.due_at, Dose.id)
    if medication_id is not None:
        query = query.where(Dose.medication_id == medication_id)
    return list(session.scalars(query))


def slots_of(session: Session, medication_id: UUID | None = None) -> list[str]:
    """Return the wall-clock slots in the ledger, in order."""
    session.expire_all()
    return [dose.slot for dose in doses_of(session, medication_id)]


def due_dose(database: Database, person: Person, now: datetime, **more: Any) -> UUID:
    """Add a medicine whose first dose is due at `now`, a full minute, and return that dose's id."""
    with database.unit_of_work() as session:
        zone = zone_of(record_of(session, person).home_zone)
        local = now.astimezone(zone).strftime("%H:%M:%S")
        added = add_medicine(session, person, [local], **more)
        return doses_of(session, added.id)[0].id
