"""Signed-in sessions: opened, rotated, renewed, looked up on every request, ended."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import tokens
from medical_ai.auth.models import Membership, RefreshToken, ThrottleWindow, TokenFamily, User
from medical_ai.auth.permissions import Role, permissions_of
from medical_ai.auth.schemas import HospitalRead, Tokens, UserRead
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import Conflict, Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef

EXPIRED_KEPT = timedelta(days=1)
ENDED = "This session has ended. Please sign in again."


# Asked on every request, so it is built once.
_LIVE_ACCOUNT = (
    select(User.email, User.timezone, Membership.role)
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
    """Where a request comes from: its address and the browser or program it names."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """The account behind a session that holds, as far as every request may need it.

    `role` is what they are at this moment, whatever an older token says.
    """

    email: str
    timezone: str
    role: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An account and what it is in the hospital of its session."""

    user: User
    hospital: HospitalRef
    role: Role


class Superseded(Unauthenticated):
    """The refresh token was exchanged a moment ago by the same client: two tabs, not a thief."""

    slug, title = "token-superseded", "This token was just exchanged"


def rotate(session: Session, *, family_id: UUID, jti: UUID, client: Client) -> Tokens:
    """Exchange a refresh token for a new pair.

    Raises Superseded when the same client comes back with it within the grace time, and
    Unauthenticated otherwise; a reuse after the grace, or by another client, revokes the family.
    """
    family, standing = _get_live_family(session, family_id)
    now = clock.now()
    used = rows_changed(
        session,
        update(RefreshToken)
        .where(
            RefreshToken.jti == jti,
            RefreshToken.family_id == family_id,
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > now,
        )
        .values(used_at=now),
    )
    if used != 1:
        raise _refuse_reuse(session, family, jti, client)
    family.last_seen_at = now
    family.user_agent = client.user_agent[:200]  # browsers update themselves
    family.address = client.address[:45]
    return _issue(session, family_id, standing)


def renew_access(session: Session, *, family_id: UUID) -> Tokens:
    """Grant access alone to a live family; for a browser tab that lost the race to rotate."""
    _, standing = _get_live_family(session, family_id)
    return _issue(session, family_id, standing, with_refresh=False)


def sign_out(session: Session, *, actor: Actor) -> None:
    """End the actor's session: its refresh tokens and its access tokens are dead at once.

    Raises Conflict for an actor without a session of ours: who came with a token of the identity
    provider must not believe that it is dead now.
    """
    if actor.family_id is None:
        raise Conflict("This token is the identity provider's: sign out there, where it was given.")
    revoke_family(session, actor.family_id, "signed out")
    audit.record(session, actor=actor, tag=AuditTag.ACCOUNT_SIGNED_OUT)


def find_live_account(session: Session, *, family_id: UUID, user_id: UUID) -> LiveAccount | None:
    """Return the account of a session of theirs that holds: neither revoked nor suspended."""
    asked = {"family_id": family_id, "user_id": user_id}
    row = session.execute(_LIVE_ACCOUNT, asked).one_or_none()
    return LiveAccount(row.email, row.timezone, row.role.value) if row else None


def delete_expired(session: Session) -> int:
    """Forget refresh tokens past their time, sessions without any, and old throttle windows."""
    now = clock.now()
    expired = rows_changed(
        session, delete(RefreshToken).where(RefreshToken.expires_at < now - EXPIRED_KEPT)
    )
    has_token = exists().where(RefreshToken.family_id == TokenFamily.id)
    rows_changed(
        session,
        delete(TokenFamily).where(~has_token, TokenFamily.last_seen_at < now - EXPIRED_KEPT),
    )
    rows_changed(
        session, delete(ThrottleWindow).where(ThrottleWindow.opened_at < now - EXPIRED_KEPT)
    )
    return expired


def _get_live_family(session: Session, family_id: UUID) -> tuple[TokenFamily, Standing]:
    row = session.execute(
        select(TokenFamily, User, Membership.role)
        .join(User, User.id == TokenFamily.user_id)
        .join(
            Membership,
            (Membership.user_id == User.id) & (Membership.hospital_id == TokenFamily.hospital_id),
        )
        .where(
            TokenFamily.id == family_id,
            TokenFamily.revoked_at.is_(None),
            User.suspended_at.is_(None),
            Membership.suspended_at.is_(None),
        )
    ).one_or_none()
    if row is None or not may_sign_in(row[1], settings_of(session)):
        raise Unauthenticated(ENDED, invalid_token=True)
    hospital = tenancy.get_hospital(session, row[0].hospital_id)
    return row[0], Standing(row[1], hospital, row[2])


def _refuse_reuse(
    session: Session, family: TokenFamily, jti: UUID, client: Client
) -> Unauthenticated:
    token = session.get(RefreshToken, jti)
    grace = timedelta(seconds=settings_of(session).refresh_grace_seconds)
    fresh = token and token.used_at and clock.now() - token.used_at <= grace
    if fresh and family.user_agent == client.user_agent[:200]:
        return Superseded(
            "Another window exchanged this token a moment ago; use the newer one.",
            invalid_token=True,
        )
    revoke_family(session, family.id, "token reused")
    audit.record(
        session,
        tag=AuditTag.TOKEN_REUSED,
        user_id=family.user_id,
        hospital_id=family.hospital_id,
        subject=("token_family", family.id),
    )
    return Unauthenticated(ENDED, invalid_token=True)


def revoke_family(session: Session, family_id: UUID, because: str) -> None:
    """End one session; `because` is kept with it."""
    rows_changed(
        session,
        update(TokenFamily)
        .where(TokenFamily.id == family_id, TokenFamily.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_because=because),
    )


def revoke_families(
    session: Session,
    *,
    user_id: UUID,
    because: str,
    keep: UUID | None = None,
    hospital_id: UUID | None = None,
) -> int:
    """End every session of an account but `keep`, or those in one hospital; return how many."""
    wanted = update(TokenFamily).where(
        TokenFamily.user_id == user_id, TokenFamily.revoked_at.is_(None)
    )
    if keep is not None:
        wanted = wanted.where(TokenFamily.id != keep)
    if hospital_id is not None:
        wanted = wanted.where(TokenFamily.hospital_id == hospital_id)
    return rows_changed(session, wanted.values(revoked_at=clock.now(), revoked_because=because))


def open_family(session: Session, standing: Standing, client: Client) -> Tokens:
    """Open a session for somebody who has proved who they are."""
    family = TokenFamily(
        id=new_id(),
        user_id=standing.user.id,
        hospital_id=standing.hospital.id,
        user_agent=client.user_agent[:200],
        address=client.address[:45],
    )
    session.add(family)
    session.flush()
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_SIGNED_IN,
        user_id=standing.user.id,
        hospital_id=standing.hospital.id,
        subject=("token_family", family.id),
    )
    return _issue(session, family.id, standing)


def _issue(
    session: Session, family_id: UUID, standing: Standing, *, with_refresh: bool = True
) -> Tokens:
    settings, now = settings_of(session), clock.now()
    user, hospital, role = standing.user, standing.hospital, standing.role
    identity = tokens.Identity(
        user_id=user.id,
        username=user.username,
        role=role.value,
        permissions=permissions_of(role),
        hospital_id=hospital.id,
        family_id=family_id,
    )
    refresh = ""
    if with_refresh:
        jti, life = new_id(), timedelta(seconds=settings.refresh_token_seconds)
        session.add(RefreshToken(jti=jti, family_id=family_id, expires_at=now + life))
        refresh = tokens.mint_refresh(settings, identity, jti, now)
    return Tokens(
        access_token=tokens.mint_access(settings, identity, now),
        refresh_token=refresh,
        expires_in=settings.access_token_seconds,
        user=UserRead(
            id=user.id,
            email=user.email,
            username=user.username,
            timezone=user.timezone,
            role=role.value,
            permissions=sorted(identity.permissions),
            hospital=HospitalRead(id=hospital.id, name=hospital.name),
        ),
    )


def may_sign_in(user: User, settings: Settings) -> bool:
    """Tell whether an account may be used: suspended ones never, made-up ones on laptops only."""
    return user.suspended_at is None and not (user.is_demo and settings.production)
