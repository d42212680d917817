"""What a patient takes along of who looks after them, and of whom they look after."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.core.actor import Actor
from medical_ai.patients import break_glass, caregivers, details, people
from medical_ai.patients.consent import unpacked
from medical_ai.patients.models import (
    BreakGlassGrant,
    Caregiver,
    CareRelationship,
    PatientDetails,
    WardStay,
)
from medical_ai.patients.schemas import PatientRef
from medical_ai.tenancy import service as tenancy

TABLES = (
    "patients", "patient_details", "care_relationships", "ward_stays", "caregivers",
    "break_glass_grants",
)  # fmt: skip


def export_of(session: Session, actor: Actor, record: PatientRef | None) -> dict[str, Any]:
    """Return the record's own facts, its care team, its caregivers, and the people looked after."""
    found: dict[str, Any] = {"people_i_look_after": _people(session, actor)}
    if record is None:
        return found
    return found | {
        "record": {
            "id": record.id,
            "code": record.code,
            "hospital": tenancy.get_hospital(session, record.hospital_id).name,
            "home_zone": record.home_zone,
            "country": record.country,
        },
        "details": details.open_details(
            record.vault, record.id, session.get(PatientDetails, record.id)
        ).model_dump(mode="json"),
        "opened_in_emergencies": _openings(session, record),
        "caregivers": _caregivers(session, record),
        "care_team": _care_team(session, record),
        "ward_stays": [
            {"ward_id": one.ward_id, "started_at": one.started_at, "ended_at": one.ended_at}
            for one in session.scalars(select(WardStay).where(WardStay.patient_id == record.id))
        ],
    }


def _openings(session: Session, record: PatientRef) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(BreakGlassGrant).where(BreakGlassGrant.patient_id == record.id)
    ).all()
    accounts = auth.list_accounts(session, {row.user_id for row in rows})
    return [
        {
            "by": accounts[row.user_id].username if row.user_id in accounts else None,
            "reason": break_glass.open_reason(row, record),
            "opened_at": row.opened_at,
            "until": row.closed_at or row.expires_at,
            "reviewed_at": row.reviewed_at,
        }
        for row in rows
    ]


def _people(session: Session, actor: Actor) -> list[dict[str, Any]]:
    if not actor.may("care:share"):
        return []
    return [
        {
            "code": one.code,
            "name": one.name,
            "as": one.kind.value,
            "shares": [share.value for share in one.shares],
            "ends_on": one.ends_on,
        }
        for one in people.list_people(session, actor=actor)
    ]


def _caregivers(session: Session, record: PatientRef) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(Caregiver).where(Caregiver.patient_id == record.id).order_by(Caregiver.id)
    ).all()
    accounts = auth.list_accounts(session, {row.user_id for row in rows if row.user_id})
    return [
        {
            "id": row.id,
            "as": row.kind.value,
            "status": row.status.value,
            "invited_address": caregivers.open_sealed(row, record, "email"),
            "accepted_by": accounts[row.user_id].email if row.user_id in accounts else None,
            "permissions": sorted(unpacked(row.permissions)),
            "alarms": sorted(unpacked(row.alarms)),
            "created_at": row.created_at,
            "answered_at": row.answered_at,
            "ends_on": caregivers.last_day(row, record),
            "ended_at": row.ended_at,
        }
        for row in rows
    ]


def _care_team(session: Session, record: PatientRef) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(CareRelationship).where(CareRelationship.patient_id == record.id)
    ).all()
    accounts = auth.list_accounts(session, {row.user_id for row in rows})
    return [
        {
            "name": accounts[row.user_id].username if row.user_id in accounts else None,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
        }
        for row in rows
    ]
