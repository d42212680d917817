"""What somebody takes along of the audit log: what they did, and what was done to their record."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.core.actor import Actor
from medical_ai.core.database import in_batches

TABLES = ("audit_events",)


def export_of(session: Session, actor: Actor, patient_id: UUID | None) -> dict[str, Any]:
    """Return the events about an account and its record; others' addresses are theirs."""
    return {"events": _events(session, actor, patient_id)}


def _events(session: Session, actor: Actor, patient_id: UUID | None) -> Iterator[dict[str, Any]]:
    mine = AuditEvent.actor_user_id == actor.user_id
    about = [AuditEvent.patient_id == patient_id] if patient_id else []
    query = select(AuditEvent).where(or_(mine, *about))
    for one in in_batches(session, query, AuditEvent.id):
        is_me = one.actor_user_id == actor.user_id
        yield {
            "id": one.id,
            "at": one.at,
            "what": one.tag,
            "by_me": is_me,
            "by": one.actor_user_id,
            "role": one.actor_role,
            "why": one.basis,
            "via": one.via,
            "from": one.address if is_me else "",
            "about": one.subject_kind,
            "about_id": one.subject_id,
            "details": one.details,
        }
