"""Who is behind a session at this moment: asked on every request, in one query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from medical_ai.auth.lifetimes import Lifetime, limits_of
from medical_ai.auth.models import Membership, TokenFamily, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.service.hospitals import COUNT_OF_HOSPITALS
from medical_ai.auth.service.recent import PROVIDER, has_second_factor
from medical_ai.auth.service.role_permissions import GRANTED, within_ceiling
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import settings_of
from medical_ai.core.errors import NotFound
from medical_ai.tenancy.schemas import HospitalRef

# Asked on every request, so it is built once.
_LIVE_ACCOUNT = (
    select(
        User.email,
        User.timezone,
        User.username,
        User.email_verified_at,
        User.is_demo,
        User.deletion_due_at,
        Membership.role,
        TokenFamily.hospital_id,
        GRANTED.label("granted"),
        COUNT_OF_HOSPITALS.label("hospitals"),
        has_second_factor().label("has_second_factor"),
        TokenFamily.created_at,
        TokenFamily.last_seen_at,
        TokenFamily.factors,
    )
    .join(TokenFamily, TokenFamily.user_id == User.id)
    .join(
        Membership,
        (Membership.user_id == User.id) & (Membership.hospital_id == TokenFamily.hospital_id),
    )
    .where(
        TokenFamily.id == bindparam("family_id"),
        TokenFamily.user_id == bindparam("user_id"),
        TokenFamily.revoked_at.is_(None),
        User.suspended_at.is_(None),
        Membership.suspended_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: its address and the browser or program it names.

    `device` is the random name that a browser carries in a cookie, and no program has.
    """

    address: str
    user_agent: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """The account behind a session that holds, as far as every request may need it.

    `role` is what they are at this moment, and `permissions` what that role may do, whatever an
    older token says; `hospitals` is how many they can choose from. `must_enrol` says that the role
    asks for a second factor and there is none: the session is good for setting one up. `life` is
    that of the session, where there is one: a program with a token of its own has none.
    `deletion_due_at` is when the account is to be deleted, if it is.
    """

    email: str
    timezone: str
    role: str
    username: str
    email_verified: bool
    hospital_id: UUID
    permissions: frozenset[str]
    hospitals: int
    must_enrol: bool
    life: Lifetime | None = None
    deletion_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An account and what it is in the hospital of its session."""

    user: User
    hospital: HospitalRef
    role: Role


def find_live_account(session: Session, *, family_id: UUID, user_id: UUID) -> LiveAccount | None:
    """Return the account of a session of theirs that holds.

    It is neither revoked nor past its time, and nobody is suspended.
    """
    asked = {"family_id": family_id, "user_id": user_id}
    # On the connection itself: what the session would do beside it for entities is not wanted.
    row = session.connection().execute(_LIVE_ACCOUNT, asked).one_or_none()
    if row is None or (row.is_demo and settings_of(session).production):
        return None
    limits = limits_of(settings_of(session), row.role)
    life = Lifetime(row.created_at, row.last_seen_at, limits)
    if life.end_reason(clock.now()):
        return None
    return LiveAccount(
        email=row.email,
        timezone=row.timezone,
        role=row.role.value,
        username=row.username,
        email_verified=row.email_verified_at is not None,
        hospital_id=row.hospital_id,
        permissions=within_ceiling(row.role, (row.granted or "").split(",")),
        hospitals=row.hospitals,
        must_enrol=must_enrol(
            session, row, row.role, has_factor=row.has_second_factor, proved_by=row.factors
        ),
        life=life,
        deletion_due_at=row.deletion_due_at,
    )


def account_without_session(
    session: Session,
    *,
    user: User,
    role: Role,
    hospital_id: UUID,
    held: frozenset[str],
    has_factor: bool,
) -> LiveAccount:
    """Return the account of somebody who came with a token that no session of ours is behind."""
    return LiveAccount(
        email=user.email,
        timezone=user.timezone,
        role=role.value,
        username=user.username,
        email_verified=user.email_verified_at is not None,
        hospital_id=hospital_id,
        permissions=held,
        hospitals=1,  # such a token stays in one hospital
        must_enrol=must_enrol(session, user, role, has_factor=has_factor),
    )


def must_enrol(
    session: Session,
    user: User | Row[Any],
    role: Role,
    *,
    has_factor: bool,
    proved_by: str = "",
) -> bool:
    """Tell whether somebody can do nothing yet but set up a second factor.

    `proved_by` is what opened their session: an identity provider may have asked for one itself.
    """
    settings = settings_of(session)
    if proved_by.startswith(PROVIDER) and settings.oidc_second_factor:
        return False
    # Made-up people exist on laptops only; demos and tests sign them in by password alone.
    is_required = role.value in settings.second_factor_roles and not user.is_demo
    return is_required and not has_factor


def may_sign_in(user: User, settings: Settings) -> bool:
    """Tell whether an account may be used: suspended ones never, made-up ones on laptops only."""
    return user.suspended_at is None and not (user.is_demo and settings.production)


def get_home(session: Session, user_id: UUID) -> UUID:
    """Return the hospital that an account's own matters belong to: where it began.

    Raises NotFound for an account that is nothing anywhere.
    """
    found = session.scalar(
        select(Membership.hospital_id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at)
        .limit(1)
    )
    if found is None:
        raise NotFound
    return found
