"""When a dose can be marked, and when marking it is worth a second thought. Pure."""

from datetime import datetime, timedelta

from medical_ai.medications.ledger import ANSWERABLE_AHEAD
from medical_ai.medications.schemas import DoseRead

NEAR = timedelta(hours=1)
"""How long before its time a dose is marked without being asked again."""


def is_answerable(due_at: datetime, now: datetime) -> bool:
    """Tell whether the ledger takes an answer already."""
    return due_at <= now + ANSWERABLE_AHEAD


def is_early(due_at: datetime, now: datetime) -> bool:
    """Tell whether marking it now is more likely a slip of the finger than meant."""
    return due_at > now + NEAR


def answerable_from(dose: DoseRead) -> datetime:
    """Return the moment from which a dose can be marked."""
    return dose.due_at - ANSWERABLE_AHEAD
