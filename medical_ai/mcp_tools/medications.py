"""Tools that read the medicine list and the dose ledger."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from medical_ai.auth.permissions import Permission
from medical_ai.core.actor import Actor
from medical_ai.core.zones import zone_of
from medical_ai.mcp_tools.registry import Registry, Row, Tool
from medical_ai.medications import ledger, service
from medical_ai.medications.schedule import slot_of
from medical_ai.medications.schemas import DoseRead, MedicationRead
from medical_ai.medications.states import UNANSWERED
from medical_ai.patients.schemas import PatientRef


class PatientArguments(BaseModel):
    """Whose record; one's own where it is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    patient_id: UUID | None = None


class DosesArguments(PatientArguments):
    """Whose doses, and in which span of time; today's without one."""

    start: AwareDatetime | None = None
    end: AwareDatetime | None = None


def get_medications(
    session: Session, actor: Actor, patient: PatientRef, _arguments: PatientArguments
) -> list[Row]:
    """Read the active medicines."""
    found = service.list_medications(session, actor=actor, patient=patient)
    return [medication_row(one) for one in found]


def get_doses(
    session: Session, actor: Actor, patient: PatientRef, arguments: DosesArguments
) -> list[Row]:
    """Read doses of the ledger in order of their time."""
    found = ledger.list_doses(
        session, actor=actor, patient=patient, start=arguments.start, end=arguments.end
    )
    return [dose_row(one) for one in found]


def get_next_dose(
    session: Session, actor: Actor, patient: PatientRef, _arguments: PatientArguments
) -> list[Row]:
    """Read the first dose from now on that is not answered, and others like it of that minute."""
    first = ledger.find_next_dose(session, actor=actor, patient=patient)
    if first is None:
        return []
    same_time = ledger.list_doses(
        session, actor=actor, patient=patient, start=first.due_at, end=_minute_after(first.due_at)
    )
    return [dose_row(one) for one in same_time if one.status in UNANSWERED]


def medication_row(medication: MedicationRead) -> Row:
    """Return a medicine as a tool tells it."""
    return {
        "id": f"medication:{medication.id}",
        "url": f"/medications/{medication.id}",
        "name": medication.name,
        "instructions": medication.instructions,
        "summary": medication.summary,
        "schedules": [{"times": one.times, "days": one.days} for one in medication.schedules],
        "start_on": medication.start_on.isoformat(),
        "end_on": medication.end_on.isoformat() if medication.end_on else None,
    }


def dose_row(dose: DoseRead) -> Row:
    """Return a dose as a tool tells it; `due_local` is the wall clock it was planned on."""
    return {
        "id": f"dose:{dose.id}",
        "url": f"/doses/{dose.id}",
        "medication": dose.medication,
        "status": dose.status.value,
        "due_at": dose.due_at.isoformat(),
        "due_local": dose.due_local,
        "answered_local": _wall_clock(dose.answered_at, dose.zone),
    }


def register(registry: Registry) -> None:
    """Add these tools to the registry."""
    registry.add(
        Tool(
            name="get_medications",
            description="The patient's active medicines, how and when each is taken.",
            permission=Permission.MEDICATION_READ,
            resource="medication",
            arguments=PatientArguments,
            run=get_medications,
        )
    )
    registry.add(
        Tool(
            name="get_doses",
            description="Doses in a span of time with whether each was taken, skipped or missed.",
            permission=Permission.MEDICATION_READ,
            resource="dose",
            arguments=DosesArguments,
            run=get_doses,
        )
    )
    registry.add(
        Tool(
            name="get_next_dose",
            description="The next dose that is due, with everything due in the same minute.",
            permission=Permission.MEDICATION_READ,
            resource="dose",
            arguments=PatientArguments,
            run=get_next_dose,
        )
    )


def _wall_clock(moment: datetime | None, zone: str) -> str | None:
    if moment is None:
        return None
    return slot_of(moment.astimezone(zone_of(zone)).replace(second=0, microsecond=0))


def _minute_after(moment: datetime) -> datetime:
    return moment + ledger.ONE_MINUTE
