"""Who may deal with which patient, and why. Decides; loading and refusing is the service's."""

from sqlalchemy import ColumnElement, and_, exists, false, or_, true

from medical_ai.auth import service as auth
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.patients.consent import needle
from medical_ai.patients.models import (
    BreakGlassGrant,
    Caregiver,
    CareRelationship,
    Patient,
    WardStay,
)
from medical_ai.patients.schemas import Basis, CareKind, CareStatus

DOCTOR, NURSE, PATIENT = "doctor", "nurse", "patient"
TREATING = frozenset({DOCTOR, NURSE})
FOR_THE_WHOLE_HOSPITAL = frozenset({"billing", "administrator"})
"""Roles whose work concerns every patient of the hospital; their permissions keep it apart from
what is clinical."""


def bases_of(actor: Actor, permission: str) -> dict[Basis, ColumnElement[bool]]:
    """Return every way in which this actor can come to a patient for this, the closest first.

    All of them are asked in the one query that loads the patient, so that a patient somebody has
    nothing to do with takes as long as one that does not exist. Each looks at the patient of the
    query around it and at nothing else there. A way that comes of somebody's work is open to those
    who do that work now: the row of a doctor who became something else opens nothing.
    """
    return {
        Basis.OWN: Patient.user_id == actor.user_id,
        Basis.CARE_TEAM: _looks_after(actor) if actor.role in TREATING else false(),
        Basis.PROXY: _decides_for(actor),
        Basis.CAREGIVER: _is_let_by_consent(actor, permission),
        Basis.WARD: _is_on_a_ward_of(actor) if actor.role == NURSE else false(),
        Basis.BREAK_GLASS: _broke_the_glass(actor) if actor.role == DOCTOR else false(),
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


def is_in_force() -> ColumnElement[bool]:
    """Return what a caregiver's row must be to stand at this moment, whoever it names."""
    return and_(
        Caregiver.status == CareStatus.ACTIVE,
        or_(Caregiver.ends_at.is_(None), Caregiver.ends_at > clock.now()),
    )


def holds(actor: Actor) -> ColumnElement[bool]:
    """Return what a caregiver's row of this actor must be for it to open anything now.

    Only an account of a patient acts on it: who works here comes in by their work alone.
    """
    return and_(
        Caregiver.user_id == actor.user_id,
        Caregiver.hospital_id == actor.tenant_id,
        is_in_force(),
        true() if actor.role == PATIENT else false(),
    )


def _decides_for(actor: Actor) -> ColumnElement[bool]:
    return (
        exists()
        .where(Caregiver.patient_id == Patient.id, Caregiver.kind == CareKind.PROXY, holds(actor))
        .correlate(Patient)
    )


def _is_let_by_consent(actor: Actor, permission: str) -> ColumnElement[bool]:
    return (
        exists()
        .where(
            Caregiver.patient_id == Patient.id,
            Caregiver.kind == CareKind.CAREGIVER,
            Caregiver.permissions.contains(needle(permission), autoescape=True),
            holds(actor),
        )
        .correlate(Patient)
    )
