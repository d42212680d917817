"""The one redaction policy at work: what each kind of viewer sees of each field. Pure.

A field that is not named in `patients.policy` is hidden from everybody but the patient: a new
column is safe before anybody has thought about it. The table in `docs/redaction.md` is made from
the same declaration.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from medical_ai.core.actor import Actor
from medical_ai.patients.policy import POLICY, Treatment, Viewer
from medical_ai.patients.schemas import PatientRef

__all__ = [
    "MASK",
    "POLICY",
    "Redacted",
    "Treatment",
    "Viewer",
    "held_back",
    "redact",
    "redact_each",
    "redact_output",
    "treatment_of",
    "viewer_of",
]

MASK = "•••"

_BY_BASIS = {
    "own": Viewer.PATIENT,
    "proxy": Viewer.PATIENT,  # who acts for a child sees what the child would
    "caregiver": Viewer.CAREGIVER,
}
_BY_ROLE = {
    one.value: one for one in (Viewer.DOCTOR, Viewer.NURSE, Viewer.BILLING, Viewer.ADMINISTRATOR)
}

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Redacted:
    """Values as a viewer sees them; hidden ones are gone, masked ones are dots."""

    values: dict[str, Any]
    hidden: tuple[str, ...]
    masked: tuple[str, ...]


def viewer_of(actor: Actor, patient: PatientRef) -> Viewer:
    """Return as whom the actor looks at this patient: by why they may, then by their role.

    Somebody else's role says nothing here: one who is a patient in the hospital and came to
    another's record in some other way never looks at it as its owner.
    """
    by_role = _BY_ROLE.get(actor.role, Viewer.CAREGIVER)
    return _BY_BASIS.get(patient.basis.value, by_role)


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


def redact_output(model: Model, resource: str, viewer: Viewer) -> Model:
    """Return an answer, or what a template shows, as a viewer may see it.

    A hidden field is missing, in the JSON as well: an empty one would say that there is nothing,
    and "no allergies" is not what "not for you" means.
    """
    if viewer is Viewer.PATIENT:
        return model
    seen = redact(resource, dict(model), viewer)
    shown = type(model).model_construct(_fields_set=set(seen.values), **seen.values)
    for field in seen.hidden:
        shown.__dict__.pop(field, None)  # a default would speak in the hidden value's place
    return shown


def redact_each(models: Iterable[Model], resource: str, viewer: Viewer) -> list[Model]:
    """Return the rows of a list as a viewer may see them."""
    return [redact_output(one, resource, viewer) for one in models]


def held_back(model: type[BaseModel], resource: str, viewer: Viewer) -> list[str]:
    """Return which fields of an answer a viewer does not get, or gets as dots."""
    return [
        name
        for name in model.model_fields
        if treatment_of(resource, name, viewer) is not Treatment.SHOW
    ]
