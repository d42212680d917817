"""What a patient takes along of their medicines: with their times, doses and reminders."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from medical_ai.core.database import in_batches
from medical_ai.medications import ledger
from medical_ai.medications.models import Dose, Medication
from medical_ai.patients.schemas import PatientRef

TABLES = ("medications", "medication_schedules", "doses", "dose_deliveries")


def export_of(session: Session, record: PatientRef | None) -> dict[str, Any]:
    """Return every medicine there ever was, and every dose with what became of it."""
    if record is None:
        return {}
    return {"medications": _medications(session, record), "doses": _doses(session, record)}


def _medications(session: Session, record: PatientRef) -> Iterator[dict[str, Any]]:
    query = select(Medication).where(Medication.patient_id == record.id)
    for one in in_batches(session, query, Medication.id):
        sealed = {"name": one.name_sealed, "instructions": one.instructions_sealed}
        texts = {
            column: record.vault.open_text(text, "medications", column, one.id)
            for column, text in sealed.items()
        }
        yield {
            "id": one.id,
            **texts,
            "status": one.status.value,
            "start_on": one.start_on,
            "end_on": one.end_on,
            "created_at": one.created_at,
            "stopped_at": one.stopped_at,
            "schedules": [
                {
                    "kind": schedule.kind,
                    **schedule.rule,
                    "zone": schedule.zone,
                    "created_at": schedule.created_at,
                    "ended_at": schedule.ended_at,
                }
                for schedule in one.schedules
            ],
        }


def _doses(session: Session, record: PatientRef) -> Iterator[dict[str, Any]]:
    query = select(Dose).where(Dose.patient_id == record.id).options(selectinload(Dose.deliveries))
    named = select(Medication.id).where(Medication.patient_id == record.id)
    names = ledger.medicine_names(session, record, set(session.scalars(named)))
    for one in in_batches(session, query, Dose.id):
        yield {
            "id": one.id,
            "medication_id": one.medication_id,
            "medication": ledger.name_of(one, record, names),
            "status": one.status.value,
            "due_at": one.due_at,
            "due_local": one.slot,
            "zone": one.zone,
            "answered_at": one.answered_at,
            "reminders": [
                {
                    "channel": sent.channel,
                    "status": sent.status.value,
                    "at": sent.at,
                    "attempts": sent.attempts,
                    "answer": sent.answer,
                }
                for sent in one.deliveries
            ],
        }
