"""What a patient can let a caregiver see and do, and which alarms can reach them. Pure.

A consent is stored as the permissions it meant on the day it was given. Widening a share here
widens no consent there is: whoever ticked a box agreed to what stood beside it.
"""

from collections.abc import Iterable
from enum import StrEnum

from medical_ai.auth.permissions import Permission


class Share(StrEnum):
    """One box to tick."""

    MEDICINES = "medicines"
    ANSWER_DOSES = "answer-doses"


class Alarm(StrEnum):
    """Something a caregiver can be told of when it happens."""

    MISSED_DOSE = "missed-dose"
    EMERGENCY_ADVISED = "emergency-advised"


_WHOSE: frozenset[str] = frozenset({Permission.PATIENT_READ})

SHARES: dict[Share, frozenset[str]] = {
    Share.MEDICINES: _WHOSE | {Permission.MEDICATION_READ, Permission.RECORD_ASK},
    Share.ANSWER_DOSES: _WHOSE
    | {Permission.MEDICATION_READ, Permission.RECORD_ASK, Permission.DOSE_ANSWER},
}
"""What each box means. Whoever may mark a dose sees which dose it is, and whose."""

SPOKEN_SHARES = {
    Share.MEDICINES: "See the medicines, each dose, and what became of it",
    Share.ANSWER_DOSES: "Mark doses as taken or skipped",
}
SPOKEN_ALARMS = {
    Alarm.MISSED_DOSE: "A dose was missed",
    Alarm.EMERGENCY_ADVISED: "The assistant advised to call for help",
}


def permissions_for(shares: Iterable[Share]) -> frozenset[str]:
    """Return the permissions that these boxes give together."""
    return frozenset(one for share in shares for one in SHARES[share])


def shares_in(permissions: frozenset[str]) -> list[Share]:
    """Return the boxes that a stored consent covers in full."""
    return [share for share, needed in SHARES.items() if needed <= permissions]


def alarms_in(chosen: frozenset[str]) -> list[Alarm]:
    """Return the alarms that a stored consent names."""
    return [alarm for alarm in Alarm if alarm in chosen]


def packed(values: Iterable[str]) -> str:
    """Return a set as one text in which each value stands between spaces, to be searched for."""
    return "".join(f" {value}" for value in sorted(values)) + " "


def unpacked(text: str) -> frozenset[str]:
    """Return the set that a text was packed from."""
    return frozenset(text.split())


def needle(value: str) -> str:
    """Return what to search a packed text for."""
    return f" {value} "
