"""The last 30 days of a patient's doses, read in spans short enough for the ledger's limit."""

from datetime import datetime

from sqlalchemy.orm import Session

from medical_ai.core.actor import Actor
from medical_ai.core.zones import zone_of
from medical_ai.medications import ledger
from medical_ai.medications.history import History, history_of, spans
from medical_ai.patients.schemas import PatientRef


def read_history(session: Session, *, actor: Actor, patient: PatientRef, now: datetime) -> History:
    """Return what became of the doses of the last 30 days, by the patient's own clock."""
    zone = zone_of(patient.home_zone)
    today = now.astimezone(zone).date()
    doses = [
        dose
        for first, after in spans(today)
        for dose in ledger.list_doses(
            session,
            actor=actor,
            patient=patient,
            start=ledger.bounds_of(first, zone)[0],
            end=ledger.bounds_of(after, zone)[0],
        )
    ]
    return history_of(doses, today=today, now=now)
