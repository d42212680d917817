"""Accounts as other packages see them, and how one comes into a second hospital as a patient."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.core.errors import Conflict

WORKS_HERE = (
    "This account works at the hospital where the record is. Use an account of your own for"
    " looking after somebody."
)


@dataclass(frozen=True, slots=True)
class AccountRef:
    """An account by its id, and what its owner is called and reached by."""

    id: UUID
    username: str
    email: str


def list_accounts(session: Session, user_ids: set[UUID]) -> dict[UUID, AccountRef]:
    """Return the accounts that still are, by id."""
    if not user_ids:
        return {}
    rows = session.execute(
        select(User.id, User.username, User.email).where(
            User.id.in_(user_ids), User.deleted_at.is_(None)
        )
    )
    return {row.id: AccountRef(row.id, row.username, row.email) for row in rows}


def join_as_patient(session: Session, *, user_id: UUID, hospital_id: UUID) -> None:
    """Let an account into a hospital as a patient, without opening a record.

    Raises Conflict where it works there: staff come to records by their work alone.
    """
    role = session.scalar(
        select(Membership.role).where(
            Membership.user_id == user_id, Membership.hospital_id == hospital_id
        )
    )
    if role is None:
        session.add(Membership(user_id=user_id, hospital_id=hospital_id, role=Role.PATIENT))
        session.flush()
    elif role is not Role.PATIENT:
        raise Conflict(WORKS_HERE)
