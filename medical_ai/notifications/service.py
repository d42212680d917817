"""Notices: what a person sees when they open the assistant."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind, NoticeRef

PAGE_SIZE = 50


def post_notice(
    session: Session,
    *,
    user_id: UUID,
    hospital_id: UUID,
    kind: NoticeKind,
    subject_id: UUID,
    key: str,
) -> bool:
    """Leave a notice for a person; False when the same key was posted before."""
    if session.scalar(select(Notice.id).where(Notice.key == key)) is not None:
        return False
    session.add(
        Notice(user_id=user_id, hospital_id=hospital_id, kind=kind, subject_id=subject_id, key=key)
    )
    return True


def list_notices(
    session: Session, *, actor: Actor, unread_only: bool = False, since: datetime | None = None
) -> list[NoticeRef]:
    """Return the actor's latest notices, newest first."""
    query = select(Notice).where(
        Notice.user_id == actor.user_id, Notice.hospital_id == actor.tenant_id
    )
    if unread_only:
        query = query.where(Notice.read_at.is_(None))
    if since is not None:
        query = query.where(Notice.created_at >= since)
    found = session.scalars(query.order_by(Notice.created_at.desc()).limit(PAGE_SIZE))
    return [
        NoticeRef(one.id, one.kind, one.subject_id, one.created_at, one.read_at) for one in found
    ]


def count_unread(session: Session, *, actor: Actor) -> int:
    """Return how many notices the actor has not seen."""
    return (
        session.scalar(
            select(func.count(Notice.id)).where(
                Notice.user_id == actor.user_id,
                Notice.hospital_id == actor.tenant_id,
                Notice.read_at.is_(None),
            )
        )
        or 0
    )


def mark_read(session: Session, *, actor: Actor, subject_id: UUID | None = None) -> None:
    """Mark the actor's notices as seen: those about one row, or all of them."""
    query = update(Notice).where(
        Notice.user_id == actor.user_id,
        Notice.hospital_id == actor.tenant_id,
        Notice.read_at.is_(None),
    )
    if subject_id is not None:
        query = query.where(Notice.subject_id == subject_id)
    rows_changed(session, query.values(read_at=clock.now()))
