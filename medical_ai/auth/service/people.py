"""Who people are, as other packages need to know it: names for ids, and who works where."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.service.accounts import normal_email


@dataclass(frozen=True, slots=True)
class PersonRef:
    """Somebody with an account, by the name they gave themselves."""

    id: UUID
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody with an account in a hospital: what they are called there, and what they are."""

    id: UUID
    name: str
    role: Role


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


def acts_as_patient(
    user_id: InstrumentedAttribute[UUID | None], hospital_id: InstrumentedAttribute[UUID]
) -> ColumnElement[bool]:
    """Return whether an account is a patient of a hospital now, to be part of a larger query.

    One that is suspended or deleted is not, and neither is one that works there.
    """
    return exists().where(
        Membership.user_id == user_id,
        Membership.hospital_id == hospital_id,
        Membership.role == Role.PATIENT,
        Membership.suspended_at.is_(None),
        User.id == Membership.user_id,
        User.suspended_at.is_(None),
        User.deleted_at.is_(None),
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


def hold_account(session: Session, user_id: UUID) -> None:
    """Let what one person does come one after the other until the transaction ends."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())


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
