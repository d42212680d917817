"""A hospital always keeps an administrator: the one rule, for whatever would take one away.

Whoever is suspended, or about to delete their account, does not count: a hospital would find
itself without anybody on the day that they are gone.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role


def hold_administrators(session: Session, hospital_ids: Collection[UUID]) -> None:
    """Let changes of these hospitals' administrators come one after the other.

    They are locked first, always, and in one order: of two administrators who demote each other at
    the same moment, one waits for the other and then finds that nobody else is left.
    """
    session.execute(
        select(Membership.id)
        .where(Membership.hospital_id.in_(hospital_ids), Membership.role == Role.ADMINISTRATOR)
        .order_by(Membership.id)
        .with_for_update()
    ).all()


def is_last_administrator(session: Session, member: Membership) -> bool:
    """Tell whether nobody would administer the hospital without this member."""
    if member.role is not Role.ADMINISTRATOR or member.suspended_at is not None:
        return False
    others = session.scalar(
        select(func.count(Membership.id))
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.hospital_id == member.hospital_id,
            Membership.role == Role.ADMINISTRATOR,
            Membership.id != member.id,
            Membership.suspended_at.is_(None),
            User.suspended_at.is_(None),
            User.deletion_due_at.is_(None),
        )
    )
    return not others


def list_administered(session: Session, user_id: UUID) -> list[Membership]:
    """Return where somebody is an administrator."""
    theirs = (Membership.user_id == user_id, Membership.role == Role.ADMINISTRATOR)
    return list(session.scalars(select(Membership).where(*theirs)))
