"""Who may deal with which patient, and why. Decides; loading and refusing is the service's."""

from sqlalchemy import ColumnElement, exists, false, true

from medical_ai.auth import service as auth
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.patients.models import BreakGlassGrant, CareRelationship, Patient, WardStay
from medical_ai.patients.schemas import Basis

NURSE = "nurse"
FOR_THE_WHOLE_HOSPITAL = frozenset({"billing", "administrator"})
"""Roles whose work concerns every patient of the hospital; their permissions keep it apart from
what is clinical."""


def bases_of(actor: Actor) -> dict[Basis, ColumnElement[bool]]:
    """Return every way in which this actor can come to a patient, the closest first.

    All of them are asked in the one query that loads the patient, so that a patient somebody has
    nothing to do with takes as long as one that does not exist. Each looks at the patient of the
    query around it and at nothing else there.
    """
    return {
        Basis.OWN: Patient.user_id == actor.user_id,
        Basis.CARE_TEAM: _looks_after(actor),
        Basis.WARD: _is_on_a_ward_of(actor) if actor.role == NURSE else false(),
        Basis.BREAK_GLASS: _broke_the_glass(actor),
        Basis.HOSPITAL: true() if actor.role in FOR_THE_WHOLE_HOSPITAL else false(),
    }


def _looks_after(actor: Actor) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            CareRelationship.patient_id == Patient.id,
            CareRelationship.user_id == actor.user_id,
            CareRelationship.ended_at.is_(None),
        )
        .correlate(Patient)
    )  # whoever else's care the query around it is about


def _is_on_a_ward_of(actor: Actor) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            WardStay.patient_id == Patient.id,
            WardStay.ended_at.is_(None),
            WardStay.ward_id.in_(auth.select_wards_of(actor)),
        )
        .correlate(Patient)
    )


def _broke_the_glass(actor: Actor) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            BreakGlassGrant.patient_id == Patient.id,
            BreakGlassGrant.user_id == actor.user_id,
            BreakGlassGrant.closed_at.is_(None),
            BreakGlassGrant.expires_at > clock.now(),
        )
        .correlate(Patient)
    )
