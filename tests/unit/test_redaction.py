"""The redaction policy: a canary in every field, looked at by everybody."""

from typing import Any
from uuid import uuid4

import pytest

from medical_ai.core.actor import Actor
from medical_ai.core.crypto import KeyRing
from medical_ai.core.schemas import Output
from medical_ai.patients.redaction import (
    MASK,
    POLICY,
    Viewer,
    redact,
    redact_output,
    viewer_of,
)
from medical_ai.patients.schemas import Basis, PatientRef

CLINICAL = {"medication", "dose", "condition", "allergy", "observation", "document"}
IDENTITY = {"id", "url", "code", "name", "birth_date", "sex"}
CONTACT = {"phone", "email", "address", "language", "country", "home_zone"}
BILLED = {
    "encounter": "id url kind status started_at ended_at department practitioner billing_code",
    "admission": "id url kind status admitted_at discharged_at department billing_code",
    "appointment": "id url status starts_at ends_at department practitioner billing_code",
}
STAFF = (Viewer.DOCTOR, Viewer.NURSE, Viewer.BILLING, Viewer.ADMINISTRATOR)


class Person(Output):
    """An answer with a field that nobody declared, and one with a default."""

    id: str
    name: str
    national_id: str | None
    shoe_size: int = 38
    emergency_contact: str = "nobody"


def canaries(resource: str) -> dict[str, str]:
    """Return a row with a canary in every declared field, and in one that nobody declared."""
    return {name: f"canary-{name}" for name in (*POLICY[resource], "undeclared")}


def shown(resource: str, viewer: Viewer) -> set[str]:
    """Return the fields whose canary reaches this viewer."""
    seen = redact(resource, canaries(resource), viewer)
    return {name for name, value in seen.values.items() if value == f"canary-{name}"}


def masked(resource: str, viewer: Viewer) -> set[str]:
    """Return the fields of which this viewer sees dots."""
    seen = redact(resource, canaries(resource), viewer)
    found = {name for name, value in seen.values.items() if value == MASK}
    assert found == set(seen.masked)
    return found


@pytest.mark.parametrize("resource", POLICY)
def test_patients_see_all_of_their_own(resource: str) -> None:
    assert shown(resource, Viewer.PATIENT) == set(canaries(resource))


@pytest.mark.parametrize("resource", POLICY)
@pytest.mark.parametrize("viewer", [one for one in Viewer if one is not Viewer.PATIENT])
def test_what_nobody_declared_is_hidden(resource: str, viewer: Viewer) -> None:
    seen = redact(resource, canaries(resource), viewer)
    assert "undeclared" in seen.hidden
    assert "canary-undeclared" not in str(seen.values)
    assert set(seen.values) | set(seen.hidden) == set(canaries(resource))


@pytest.mark.parametrize("viewer", list(Viewer)[1:])
def test_a_resource_that_nobody_declared_is_hidden(viewer: Viewer) -> None:
    assert redact("genome", {"id": 1, "name": "x"}, viewer).values == {}


@pytest.mark.parametrize("resource", POLICY)
def test_administrators_see_who_somebody_is_and_nothing_else(resource: str) -> None:
    expected = IDENTITY if resource == "patient" else set()
    assert shown(resource, Viewer.ADMINISTRATOR) == expected
    assert masked(resource, Viewer.ADMINISTRATOR) == set()


@pytest.mark.parametrize("resource", POLICY)
def test_billing_sees_what_an_invoice_needs_and_nothing_clinical(resource: str) -> None:
    expected = set(BILLED.get(resource, "").split())
    if resource == "patient":
        expected = IDENTITY | CONTACT | {"national_id", "insurance_number"}
    assert shown(resource, Viewer.BILLING) == expected


@pytest.mark.parametrize("resource", POLICY)
@pytest.mark.parametrize("viewer", [Viewer.DOCTOR, Viewer.NURSE])
def test_clinicians_see_what_is_clinical(resource: str, viewer: Viewer) -> None:
    everything = set(POLICY[resource])
    if resource in CLINICAL:
        assert shown(resource, viewer) == everything
    if resource in BILLED:
        without = {"billing_code"} if viewer is Viewer.NURSE else set()
        assert shown(resource, viewer) == everything - without


def test_clinicians_see_no_national_number_and_nurses_no_insurance_number() -> None:
    assert masked("patient", Viewer.DOCTOR) == {"national_id"}
    assert masked("patient", Viewer.NURSE) == {"national_id", "insurance_number"}
    assert "insurance_number" in shown("patient", Viewer.DOCTOR)


def test_caregivers_see_no_numbers_of_identity_or_insurance() -> None:
    seen = shown("patient", Viewer.CAREGIVER) | masked("patient", Viewer.CAREGIVER)
    assert seen == IDENTITY | CONTACT | {"emergency_contact"}


def test_a_mask_gives_nothing_away_and_does_not_invent_a_value() -> None:
    seen = redact("patient", {"national_id": "078-05-1120", "insurance_number": None}, Viewer.NURSE)
    assert seen.values == {"national_id": MASK, "insurance_number": None}
    assert not any(letter.isdigit() for letter in MASK)


def test_an_answer_leaves_out_what_is_hidden_even_where_it_has_a_default() -> None:
    person = Person(id="1", name="Alice", national_id="078-05-1120")
    assert redact_output(person, "patient", Viewer.PATIENT) is person
    for viewer, expected in {
        Viewer.NURSE: {"id": "1", "name": "Alice", "national_id": MASK,
                       "emergency_contact": "nobody"},
        Viewer.ADMINISTRATOR: {"id": "1", "name": "Alice"},
    }.items():  # fmt: skip
        seen = redact_output(person, "patient", viewer)
        assert seen.model_dump() == expected
        assert not hasattr(seen, "shoe_size")


def ref(basis: Basis) -> PatientRef:
    """Return a patient whom somebody may deal with for this reason."""
    vault: Any = KeyRing.__new__(KeyRing)
    return PatientRef(uuid4(), "NUGWI", uuid4(), None, "UTC", "", vault, basis)


def actor(role: str) -> Actor:
    """Return somebody of this role."""
    return Actor(uuid4(), uuid4(), role, frozenset(), "somebody", "api")


@pytest.mark.parametrize("viewer", STAFF)
def test_staff_look_as_their_role_and_at_their_own_record_as_its_owner(viewer: Viewer) -> None:
    for basis in (Basis.CARE_TEAM, Basis.WARD):
        assert viewer_of(actor(viewer.value), ref(basis)) is viewer
    assert viewer_of(actor(viewer.value), ref(Basis.OWN)) is Viewer.PATIENT


def test_a_patient_never_looks_at_anothers_record_as_its_owner() -> None:
    assert viewer_of(actor("patient"), ref(Basis.CARE_TEAM)) is Viewer.CAREGIVER
    assert viewer_of(actor("janitor"), ref(Basis.CARE_TEAM)) is Viewer.CAREGIVER
