"""Who works in a hospital, as other packages need to know it: by name, role and address."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.service.accounts import normal_email


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody with an account in a hospital: what they are called there, and what they are."""

    id: UUID
    name: str
    role: Role


def find_colleagues(
    session: Session, *, hospital_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Colleague]:
    """Return these people of a hospital by their ids, the suspended ones too."""
    rows = session.execute(
        select(User.id, User.username, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.hospital_id == hospital_id, User.id.in_(set(ids)))
    )
    return {row.id: Colleague(row.id, row.username, row.role) for row in rows}


def find_working_colleague(session: Session, *, hospital_id: UUID, email: str) -> Colleague | None:
    """Return who has this address, if they work in the hospital and are not suspended."""
    row = session.execute(
        select(User.id, User.username, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.hospital_id == hospital_id,
            Membership.suspended_at.is_(None),
            User.suspended_at.is_(None),
            User.email == normal_email(email),
        )
    ).one_or_none()
    return Colleague(row.id, row.username, row.role) if row else None


def list_administrators(session: Session, *, hospital_id: UUID) -> list[UUID]:
    """Return the ids of a hospital's administrators who are not suspended."""
    return list(
        session.scalars(
            select(User.id)
            .join(Membership, Membership.user_id == User.id)
            .where(
                Membership.hospital_id == hospital_id,
                Membership.role == Role.ADMINISTRATOR,
                Membership.suspended_at.is_(None),
                User.suspended_at.is_(None),
            )
            .order_by(User.id)
        )
    )


def hold_account(session: Session, user_id: UUID) -> None:
    """Let what one person does come one after the other until the transaction ends."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
