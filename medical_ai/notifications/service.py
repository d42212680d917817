"""Notices: what a person sees when they open the assistant."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, rows_changed, settings_of
from medical_ai.core.events import AccountNotice
from medical_ai.core.ids import new_id
from medical_ai.jobs import service as jobs
from medical_ai.jobs.sealed import seal_values
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind, NoticeRef

SEND_NOTICE = "notice.send"
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


def tell(
    session: Session,
    *,
    user_id: UUID,
    hospital_id: UUID,
    kind: NoticeKind,
    subject_id: UUID,
    email: str | None = None,
    key: str | None = None,
) -> bool:
    """Leave a notice for a person and send it by mail as well, where there is mail.

    Its words are in `notifications.wording`; `subject_id` is the row that it is about. The mail
    goes to `email` where that is not simply the account's address of the hour. What has a `key` is
    told once; False when it was told before.
    """
    key = key or f"notice.{new_id()}"
    is_new = post_notice(
        session,
        user_id=user_id,
        hospital_id=hospital_id,
        kind=kind,
        subject_id=subject_id,
        key=key,
    )
    if is_new and settings_of(session).smtp_host:
        payload = {"user_id": str(user_id), "notice": kind.value}
        if email is not None:
            payload |= seal_values(database_of(session), email=email)
        jobs.enqueue(session, kind=SEND_NOTICE, payload=payload, idempotency_key=key)
    return is_new


def tell_account(session: Session, event: AccountNotice) -> None:
    """Tell the owner of an account what lower packages changed about it."""
    tell(
        session,
        user_id=event.user_id,
        hospital_id=event.hospital_id,
        kind=NoticeKind(event.kind),
        subject_id=event.subject_id,
        email=event.email,
    )


def erase_notices(session: Session, *, user_id: UUID) -> int:
    """Delete every notice of an account; return how many."""
    return rows_changed(session, delete(Notice).where(Notice.user_id == user_id))


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


def mark_read(
    session: Session,
    *,
    actor: Actor,
    subject_id: UUID | None = None,
    kinds: Sequence[NoticeKind] | None = None,
) -> None:
    """Mark the actor's notices as seen: those about one row, of some kinds, or all of them."""
    query = update(Notice).where(
        Notice.user_id == actor.user_id,
        Notice.hospital_id == actor.tenant_id,
        Notice.read_at.is_(None),
    )
    if subject_id is not None:
        query = query.where(Notice.subject_id == subject_id)
    if kinds is not None:
        query = query.where(Notice.kind.in_(kinds))
    rows_changed(session, query.values(read_at=clock.now()))
