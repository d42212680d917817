"""What each kind of viewer sees of each field of each resource: the declaration. Pure data.

Declared is the least that each role needs for its work (GDPR article 5 (1) (c), HIPAA's minimum
necessary). Who may open which patient's record at all is decided elsewhere: this says what is in
it for whoever came in. A caregiver's column is the most a patient's consent can give them.

A masked value shows that there is one and nothing of it. The last digits of a number are what
clerks ask for on the telephone to prove who somebody is, so that showing them gives away the part
that matters.
"""

from collections.abc import Mapping
from enum import StrEnum


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


Fields = Mapping[str, Mapping[Viewer, Treatment]]


def _for(**treatments: str) -> Mapping[Viewer, Treatment]:
    return {Viewer(viewer): Treatment(one) for viewer, one in treatments.items()}


_CLINICAL = _for(caregiver="show", doctor="show", nurse="show")
_CHARGED = _for(caregiver="show", doctor="show", nurse="show", billing="show")
_IDENTITY = _for(
    caregiver="show", doctor="show", nurse="show", billing="show", administrator="show"
)
_CONTACT = _for(caregiver="show", doctor="show", nurse="show", billing="show")
_INVOICED = _for(doctor="show", billing="show")
_NATIONAL_ID = _for(doctor="mask", nurse="mask", billing="show")
_INSURANCE = _for(doctor="show", nurse="mask", billing="show")


def _fields(treatment: Mapping[Viewer, Treatment], names: str) -> Fields:
    return dict.fromkeys(names.split(), treatment)


POLICY: Mapping[str, Fields] = {
    "patient": {
        **_fields(_IDENTITY, "id url code name birth_date sex"),
        **_fields(_CONTACT, "phone email address language country home_zone"),
        **_fields(_NATIONAL_ID, "national_id"),
        **_fields(_INSURANCE, "insurance_number"),
        **_fields(_CLINICAL, "emergency_contact"),
    },
    "medication": _fields(
        _CLINICAL,
        "id url name instructions summary status schedules start_on end_on created_at stopped_at",
    ),
    "dose": _fields(
        _CLINICAL,
        "id url medication_id medication status due_at due_local zone answered_at answered_local"
        " deliveries",
    ),
    "condition": _fields(
        _CLINICAL, "id url name code status severity onset_on resolved_on note recorded_at source"
    ),
    "allergy": _fields(
        _CLINICAL, "id url substance code reaction severity status note recorded_at source"
    ),
    "observation": _fields(
        _CLINICAL,
        "id url name code value unit reference_range interpretation note observed_at source",
    ),
    "encounter": {
        **_fields(_CHARGED, "id url kind status started_at ended_at department practitioner"),
        **_fields(_INVOICED, "billing_code"),
        **_fields(_CLINICAL, "reason diagnosis note source"),
    },
    "admission": {
        **_fields(_CHARGED, "id url kind status admitted_at discharged_at department"),
        **_fields(_INVOICED, "billing_code"),
        **_fields(_CLINICAL, "ward bed reason diagnosis summary note source"),
    },
    "appointment": {
        **_fields(_CHARGED, "id url status starts_at ends_at department practitioner"),
        **_fields(_INVOICED, "billing_code"),
        **_fields(_CLINICAL, "kind place reason note source"),
    },
    "document": _fields(
        _CLINICAL, "id url title kind media_type bytes pages sha256 status text results created_at"
    ),
}
"""Resource, then field, then viewer. Whoever is not named for a field does not see it."""
