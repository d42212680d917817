"""The states of medicines, doses and deliveries."""

from enum import StrEnum


class MedicationStatus(StrEnum):
    """Whether doses come of it."""

    ACTIVE = "active"
    STOPPED = "stopped"


class DoseStatus(StrEnum):
    """A dose's way through the ledger."""

    PLANNED = "planned"
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    SEEN = "seen"
    TAKEN = "taken"
    SKIPPED = "skipped"
    MISSED = "missed"


UNANSWERED = (
    DoseStatus.PLANNED,
    DoseStatus.DUE,
    DoseStatus.SENDING,
    DoseStatus.SENT,
    DoseStatus.SEEN,
)
"""Statuses in which the patient has not said yet whether they took it."""


class DeliveryStatus(StrEnum):
    """How one channel fared with one reminder."""

    WAITING = "waiting"
    SENT = "sent"
    RETRYING = "retrying"
    FAILED = "failed"
    CANCELLED = "cancelled"
