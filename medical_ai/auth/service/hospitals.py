"""The hospitals that one account is something in."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from medical_ai.auth.models import Membership, TokenFamily, User
from medical_ai.auth.schemas import HospitalChoice
from medical_ai.tenancy import service as tenancy

_Any = aliased(Membership)

COUNT_OF_HOSPITALS = (
    select(func.count(_Any.id))
    .where(_Any.user_id == User.id, _Any.suspended_at.is_(None))
    .correlate(User)
    .scalar_subquery()
)
"""How many hospitals an account can choose from: part of a query that loads one."""


def list_hospitals(session: Session, *, user_id: UUID) -> list[HospitalChoice]:
    """Return the hospitals an account can open, by name."""
    found = session.execute(
        select(Membership.hospital_id, Membership.role).where(
            Membership.user_id == user_id, Membership.suspended_at.is_(None)
        )
    )
    choices = [
        HospitalChoice(
            id=hospital_id,
            name=tenancy.get_hospital(session, hospital_id).name,
            role=role.value,
        )
        for hospital_id, role in found
    ]
    return sorted(choices, key=lambda one: (one.name.casefold(), str(one.id)))


def find_membership_to_open(
    session: Session, user_id: UUID, *, hospital_id: UUID | None = None
) -> Membership | None:
    """Return what an account is in that hospital, or in the one it used last, or joined first."""
    last_seen = (
        select(func.max(TokenFamily.last_seen_at))
        .where(
            TokenFamily.user_id == Membership.user_id,
            TokenFamily.hospital_id == Membership.hospital_id,
        )
        .correlate(Membership)
        .scalar_subquery()
    )
    wanted = select(Membership).where(
        Membership.user_id == user_id, Membership.suspended_at.is_(None)
    )
    if hospital_id is not None:
        wanted = wanted.where(Membership.hospital_id == hospital_id)
    return session.scalar(
        wanted.order_by(last_seen.is_(None), last_seen.desc(), Membership.created_at).limit(1)
    )
