"""Who people are: names for a page of ids, and the members of a hospital."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.service.accounts import normal_email


@dataclass(frozen=True, slots=True)
class PersonRef:
    """Somebody with an account, by the name they gave themselves."""

    id: UUID
    name: str
    timezone: str


def list_people(session: Session, user_ids: Collection[UUID]) -> dict[UUID, PersonRef]:
    """Return who some people are, by their ids; those whose account is gone are missing."""
    if not user_ids:
        return {}
    found = select(User.id, User.username, User.timezone).where(User.id.in_(user_ids))
    return {row.id: PersonRef(*row) for row in session.execute(found)}


def list_member_ids(session: Session, *, hospital_id: UUID, role: Role) -> list[UUID]:
    """Return who works in a hospital in this role at present."""
    return list(
        session.scalars(
            select(Membership.user_id)
            .join(User, User.id == Membership.user_id)
            .where(
                Membership.hospital_id == hospital_id,
                Membership.role == role,
                Membership.suspended_at.is_(None),
                User.suspended_at.is_(None),
            )
            .order_by(Membership.created_at)
        )
    )


def find_member(session: Session, *, hospital_id: UUID, named: str) -> UUID | None:
    """Return the member of a hospital, past or present, with this e-mail address or name."""
    return session.scalar(
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.hospital_id == hospital_id,
            or_(User.email == normal_email(named), User.username == named.strip()),
        )
        .order_by(Membership.created_at)
        .limit(1)
    )


def list_members_among(
    session: Session, *, hospital_id: UUID, user_ids: Collection[UUID], staff_only: bool = False
) -> set[UUID]:
    """Return which of some people are, or were, members of a hospital."""
    if not user_ids:
        return set()
    found = select(Membership.user_id).where(
        Membership.hospital_id == hospital_id, Membership.user_id.in_(user_ids)
    )
    if staff_only:
        found = found.where(Membership.role != Role.PATIENT)
    return set(session.scalars(found))
