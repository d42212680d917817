"""Opening a record outside one's care in an emergency: with a reason, for a time, never unseen.

HIPAA § 164.312 (a)(2)(ii) asks for a way in when care needs it. Here the way in is loud: the
patient and the administrators are told at once, and every later look carries its basis.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission, Role
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import settings_of
from medical_ai.core.errors import NotFound, TooManyRequests
from medical_ai.core.ids import new_id
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import service
from medical_ai.patients.models import BreakGlassGrant, Patient
from medical_ai.patients.schemas import Basis, BreakGlassRead, BreakGlassReview, PatientRef

TABLE, COLUMN = "break_glass_grants", "reason"
PAGE_SIZE = 50
DAY = timedelta(hours=24)
SUBJECT = "break-glass"
FORMER = "somebody who no longer works here"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a patient is told of a record that was opened: by whom, from when and until when."""

    id: UUID
    opened_by: str
    opened_at: datetime
    until: datetime


def break_glass(session: Session, *, actor: Actor, code: str, reason: str) -> BreakGlassRead:
    """Open a patient's record to the actor for a limited time, and tell those it concerns.

    Raises NotFound outside the hospital, Conflict where it is open already, and TooManyRequests
    beyond the day's number, of which the administrators hear as well.
    """
    actor.require(Permission.BREAK_GLASS)
    auth.hold_account(session, actor.user_id)  # two at once must not slip under the day's number
    _check_number(session, actor)
    patient = service.get_patient_behind_glass(session, actor, code)
    now = clock.now()
    grant_id = new_id()
    grant = BreakGlassGrant(
        id=grant_id,
        hospital_id=patient.hospital_id,
        patient_id=patient.id,
        user_id=actor.user_id,
        reason_sealed=patient.vault.seal_text(reason, TABLE, COLUMN, grant_id),
        opened_at=now,
        expires_at=now + timedelta(minutes=settings_of(session).break_glass_minutes),
    )
    session.add(grant)
    _record(session, actor, AuditTag.BREAK_GLASS_OPENED, grant)
    _tell(session, patient, grant)
    return _read(grant, patient.code)


def close_glass(session: Session, *, actor: Actor, code: str) -> None:
    """Close a record again before its time is over. Raises NotFound where it is not open."""
    patient = service.get_patient_by_code_for(session, actor, code, Permission.BREAK_GLASS)
    grant = _find_open(session, actor, patient)
    if grant is None:
        raise NotFound
    grant.closed_at = clock.now()
    _record(session, actor, AuditTag.BREAK_GLASS_CLOSED, grant)


def find_open_until(session: Session, *, actor: Actor, patient: PatientRef) -> datetime | None:
    """Return until when a record is open that the actor opened in an emergency."""
    if patient.basis is not Basis.BREAK_GLASS:
        return None
    grant = _find_open(session, actor, patient)
    return grant.expires_at if grant else None


def list_openings(
    session: Session, *, actor: Actor, before: UUID | None = None
) -> tuple[list[BreakGlassReview], str | None]:
    """Return the records opened in the actor's hospital, the latest first, with their reasons."""
    actor.require(Permission.BREAK_GLASS_REVIEW)
    wanted = (
        select(BreakGlassGrant, Patient)
        .join(Patient, Patient.id == BreakGlassGrant.patient_id)
        .where(BreakGlassGrant.hospital_id == actor.tenant_id, Patient.data_key_sealed.is_not(None))
        .order_by(BreakGlassGrant.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        wanted = wanted.where(BreakGlassGrant.id < before)
    rows = session.execute(wanted).all()
    shown = [(row[0], service.refer(session, row[1], Basis.HOSPITAL)) for row in rows[:PAGE_SIZE]]
    audit.record_listing(
        session,
        actor=actor,
        patient_ids={patient.id: patient.basis.value for _, patient in shown},
        resource=SUBJECT,
    )
    concerned = [one for grant, _ in shown for one in (grant.user_id, grant.reviewed_by) if one]
    names = _names(session, actor.tenant_id, concerned)
    following = str(shown[-1][0].id) if len(rows) > PAGE_SIZE else None
    return [_review(grant, patient, names) for grant, patient in shown], following


def mark_reviewed(session: Session, *, actor: Actor, grant_id: UUID) -> None:
    """Say that an opening was looked into. Doing it twice changes nothing."""
    actor.require(Permission.BREAK_GLASS_REVIEW)
    grant = session.scalar(
        select(BreakGlassGrant)
        .where(BreakGlassGrant.id == grant_id, BreakGlassGrant.hospital_id == actor.tenant_id)
        .with_for_update()
    )
    if grant is None:
        raise NotFound
    if grant.reviewed_at is not None:
        return
    grant.reviewed_at, grant.reviewed_by = clock.now(), actor.user_id
    _record(session, actor, AuditTag.BREAK_GLASS_REVIEWED, grant)


def list_own_openings(session: Session, *, actor: Actor) -> list[Opening]:
    """Return by whom and until when the actor's own record was opened, the latest first."""
    grants = session.scalars(
        select(BreakGlassGrant)
        .join(Patient, Patient.id == BreakGlassGrant.patient_id)
        .where(Patient.user_id == actor.user_id, Patient.hospital_id == actor.tenant_id)
        .order_by(BreakGlassGrant.id.desc())
        .limit(PAGE_SIZE)
    ).all()
    names = _names(session, actor.tenant_id, [grant.user_id for grant in grants])
    return [
        Opening(
            grant.id,
            names.get(grant.user_id, FORMER),
            grant.opened_at,
            grant.closed_at or grant.expires_at,
        )
        for grant in grants
    ]


def _check_number(session: Session, actor: Actor) -> None:
    now, limit = clock.now(), settings_of(session).break_glass_per_day
    opened = session.scalars(
        select(BreakGlassGrant.opened_at)
        .where(BreakGlassGrant.user_id == actor.user_id, BreakGlassGrant.opened_at > now - DAY)
        .order_by(BreakGlassGrant.opened_at.desc())
        .limit(limit)
    ).all()
    if len(opened) < limit:
        return
    audit.record(
        session,
        tag=AuditTag.BREAK_GLASS_REFUSED,
        actor=actor,
        subject=("user", actor.user_id),
        details={"limit": limit},
    )
    key = f"break-glass-alarm.{actor.user_id}.{opened[0]:%Y%m%d%H%M%S%f}"  # once for each last one
    for administrator in auth.list_member_ids(
        session, hospital_id=actor.tenant_id, role=Role.ADMINISTRATOR
    ):
        notifications.tell(
            session,
            user_id=administrator,
            hospital_id=actor.tenant_id,
            kind=NoticeKind.BREAK_GLASS_ALARM,
            subject_id=actor.user_id,
            key=f"{key}.{administrator}",
        )
    left = int((opened[-1] + DAY - now).total_seconds()) + 1
    raise TooManyRequests(
        f"You opened {limit} records in an emergency within 24 hours, which is the most there can"
        " be. The administrators have been told.",
        retry_after_seconds=left,
    )


def _tell(session: Session, patient: PatientRef, grant: BreakGlassGrant) -> None:
    told = {one: NoticeKind.BREAK_GLASS_REVIEW for one in _administrators(session, grant)}
    if patient.user_id is not None:
        told[patient.user_id] = NoticeKind.BREAK_GLASS_OPENED
    for user_id, kind in told.items():
        notifications.tell(
            session,
            user_id=user_id,
            hospital_id=grant.hospital_id,
            kind=kind,
            subject_id=grant.id,
        )


def _administrators(session: Session, grant: BreakGlassGrant) -> list[UUID]:
    return auth.list_member_ids(session, hospital_id=grant.hospital_id, role=Role.ADMINISTRATOR)


def _find_open(session: Session, actor: Actor, patient: PatientRef) -> BreakGlassGrant | None:
    return session.scalar(
        select(BreakGlassGrant)
        .where(
            BreakGlassGrant.patient_id == patient.id,
            BreakGlassGrant.user_id == actor.user_id,
            BreakGlassGrant.closed_at.is_(None),
            BreakGlassGrant.expires_at > clock.now(),
        )
        .order_by(BreakGlassGrant.expires_at.desc())
        .limit(1)
    )


def _names(session: Session, hospital_id: UUID, ids: Iterable[UUID]) -> dict[UUID, str]:
    found = auth.find_colleagues(session, hospital_id=hospital_id, ids=ids)
    return {one.id: one.name for one in found.values()}


def _record(session: Session, actor: Actor, tag: AuditTag, grant: BreakGlassGrant) -> None:
    audit.record(
        session,
        tag=tag,
        actor=actor,
        patient_id=grant.patient_id,
        subject=(SUBJECT, grant.id),
    )


def open_reason(grant: BreakGlassGrant, patient: PatientRef) -> str:
    """Return why a record was opened, as the doctor wrote it."""
    return patient.vault.open_text(grant.reason_sealed, TABLE, COLUMN, grant.id)


def _read(grant: BreakGlassGrant, code: str) -> BreakGlassRead:
    return BreakGlassRead(
        id=grant.id, code=code, opened_at=grant.opened_at, expires_at=grant.expires_at
    )


def _review(
    grant: BreakGlassGrant, patient: PatientRef, names: dict[UUID, str]
) -> BreakGlassReview:
    return BreakGlassReview(
        **dict(_read(grant, patient.code)),
        opened_by=names.get(grant.user_id, FORMER),
        reason=open_reason(grant, patient),
        closed_at=grant.closed_at,
        reviewed_at=grant.reviewed_at,
        reviewed_by=names.get(grant.reviewed_by, FORMER) if grant.reviewed_by else None,
    )
