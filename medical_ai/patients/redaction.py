"""The one redaction policy: what each kind of viewer sees of each field. Pure.

A field that is not named here is hidden from everybody but the patient: a new column is safe
before anybody has thought about it. The table in `docs/redaction.md` is made from this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MASK = "•••"


class Treatment(StrEnum):
    """What a viewer gets of a field: it, that there is something, or nothing."""

    SHOW = "show"
    MASK = "mask"
    HIDE = "hide"


class Viewer(StrEnum):
    """Who looks. Staff look as their role; a patient's own record is never redacted."""

    PATIENT = "patient"
    CAREGIVER = "caregiver"
    DOCTOR = "doctor"
    NURSE = "nurse"
    BILLING = "billing"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Redacted:
    """Values as a viewer sees them; hidden ones are gone, masked ones are dots."""

    values: dict[str, Any]
    hidden: tuple[str, ...]
    masked: tuple[str, ...]


Fields = Mapping[str, Mapping[Viewer, Treatment]]


def _for(**treatments: str) -> Mapping[Viewer, Treatment]:
    return {Viewer(viewer): Treatment(one) for viewer, one in treatments.items()}


_CLINICAL = _for(caregiver="show", doctor="show", nurse="show")
_PLAIN = _for(caregiver="show", doctor="show", nurse="show", billing="show", administrator="show")

POLICY: Mapping[str, Fields] = {
    "medication": dict.fromkeys(
        ("id", "url", "name", "instructions", "summary", "schedules", "start_on", "end_on"),
        _CLINICAL,
    ),
    "dose": dict.fromkeys(
        ("id", "url", "medication", "status", "due_at", "due_local", "answered_local"), _CLINICAL
    ),
    "patient": dict.fromkeys(("id", "code"), _PLAIN),
}
"""Resource, then field, then viewer. Whoever is not named for a field does not see it."""


def treatment_of(resource: str, field: str, viewer: Viewer) -> Treatment:
    """Return what a viewer gets of a field; hidden where nothing is declared."""
    if viewer is Viewer.PATIENT:
        return Treatment.SHOW
    return POLICY.get(resource, {}).get(field, {}).get(viewer, Treatment.HIDE)


def redact(resource: str, values: Mapping[str, Any], viewer: Viewer) -> Redacted:
    """Return what a viewer may see of a row of this resource."""
    treatments = {field: treatment_of(resource, field, viewer) for field in values}
    return Redacted(
        values={
            field: MASK if treatments[field] is Treatment.MASK and value is not None else value
            for field, value in values.items()
            if treatments[field] is not Treatment.HIDE
        },
        hidden=tuple(one for one, how in treatments.items() if how is Treatment.HIDE),
        masked=tuple(one for one, how in treatments.items() if how is Treatment.MASK),
    )
