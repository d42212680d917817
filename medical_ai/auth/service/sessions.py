"""Signed-in sessions: opened, rotated, renewed, looked up on every request, ended."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import tokens
from medical_ai.auth.lifetimes import Lifetime, limits_of
from medical_ai.auth.models import (
    AuthChallenge,
    Membership,
    PersonalToken,
    RefreshToken,
    ThrottleWindow,
    TokenFamily,
    User,
)
from medical_ai.auth.schemas import HospitalRead, Tokens, UserRead
from medical_ai.auth.service.clients import forget_clients, greet_client
from medical_ai.auth.service.hospitals import list_hospitals
from medical_ai.auth.service.live import Client, Standing, may_sign_in
from medical_ai.auth.service.recent import PASSWORD
from medical_ai.auth.service.role_permissions import get_permissions
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import Conflict, NotFound, Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy

EXPIRED_KEPT = timedelta(days=1)
ENDED = "This session has ended. Please sign in again."


class Superseded(Unauthenticated):
    """The refresh token was exchanged a moment ago by the same client: two tabs, not a thief."""

    slug, title = "token-superseded", "This token was just exchanged"


def rotate(
    session: Session, *, family_id: UUID, jti: UUID, client: Client, is_use: bool = True
) -> Tokens:
    """Exchange a refresh token for a new pair.

    `is_use` is False where an open page asks by itself: that keeps no unused session alive. Raises
    Superseded when the same client comes back with the token within the grace time, and
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
    if is_use:
        family.last_seen_at = now
    family.user_agent = client.user_agent[:200]  # browsers update themselves
    family.address = client.address[:45]
    return _issue(session, family, standing)


def renew_access(session: Session, *, family_id: UUID) -> Tokens:
    """Grant access alone to a live family; for a browser tab that lost the race to rotate."""
    family, standing = _get_live_family(session, family_id)
    return _issue(session, family, standing, with_refresh=False)


def switch_hospital(session: Session, *, actor: Actor, hospital_id: UUID) -> Tokens:
    """Take the actor's session to another of their hospitals.

    From then on the older access tokens are dead: they name the other hospital. Raises NotFound
    where the actor is nothing, or suspended, in that hospital.
    """
    user = session.get(User, actor.user_id)
    family = session.get(TokenFamily, actor.family_id) if actor.family_id else None
    membership = session.scalar(
        select(Membership).where(
            Membership.user_id == actor.user_id,
            Membership.hospital_id == hospital_id,
            Membership.suspended_at.is_(None),
        )
    )
    if user is None or membership is None or family is None:
        raise NotFound
    moved = update(TokenFamily).where(TokenFamily.id == family.id, TokenFamily.revoked_at.is_(None))
    now = clock.now()
    if rows_changed(session, moved.values(hospital_id=hospital_id, last_seen_at=now)) != 1:
        raise Unauthenticated(ENDED, invalid_token=True)  # ended a moment ago
    spent = update(RefreshToken).where(
        RefreshToken.family_id == family.id, RefreshToken.used_at.is_(None)
    )
    rows_changed(session, spent.values(used_at=now))
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.HOSPITAL_SWITCHED,
        subject=("hospital", hospital_id),
    )
    hospital = tenancy.get_hospital(session, hospital_id)
    return _issue(session, family, Standing(user, hospital, membership.role))


def sign_out(session: Session, *, actor: Actor) -> None:
    """End the actor's session: its refresh tokens and its access tokens are dead at once.

    Raises Conflict for an actor without a session of ours: who came with a token of the identity
    provider must not believe that it is dead now.
    """
    if actor.family_id is None:
        raise Conflict("This token is the identity provider's: sign out there, where it was given.")
    revoke_family(session, actor.family_id, "signed out")
    audit.record(session, actor=actor, tag=AuditTag.ACCOUNT_SIGNED_OUT)


def delete_expired(session: Session) -> int:
    """Forget refresh tokens past their time, sessions without any, and what else is over."""
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
    forget_clients(session)
    rows_changed(
        session, delete(AuthChallenge).where(AuthChallenge.expires_at < now - EXPIRED_KEPT)
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
    family, user, role = row
    life = Lifetime(family.created_at, family.last_seen_at, limits_of(settings_of(session), role))
    if reason := life.end_reason(clock.now()):
        end_by_itself(session, family, reason)
        raise Unauthenticated(ENDED, invalid_token=True)
    hospital = tenancy.get_hospital(session, family.hospital_id)
    return family, Standing(user, hospital, role)


def end_by_itself(session: Session, family: TokenFamily, reason: str) -> None:
    """End a session that is past its time, and keep why; whoever does it first is the one."""
    if revoke_family(session, family.id, reason):
        audit.record(
            session,
            tag=AuditTag.SESSION_EXPIRED,
            user_id=family.user_id,
            hospital_id=family.hospital_id,
            subject=("token_family", family.id),
            details={"because": reason},
        )


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


def revoke_family(session: Session, family_id: UUID, because: str) -> bool:
    """End one session; `because` is kept with it. False where it had ended before."""
    ended = rows_changed(
        session,
        update(TokenFamily)
        .where(TokenFamily.id == family_id, TokenFamily.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_because=because),
    )
    return ended == 1


def revoke_families(
    session: Session,
    *,
    user_id: UUID,
    because: str,
    keep: UUID | None = None,
    hospital_id: UUID | None = None,
    with_tokens: bool = True,
) -> int:
    """End every session of an account but `keep`, or those in one hospital; return how many.

    Its personal access tokens end with them, since whoever had the password could make one;
    `with_tokens=False` leaves them alone.
    """
    ended = 0
    for table in (TokenFamily, PersonalToken) if with_tokens else (TokenFamily,):
        wanted = update(table).where(table.user_id == user_id, table.revoked_at.is_(None))
        if keep is not None:
            wanted = wanted.where(table.id != keep)
        if hospital_id is not None:
            wanted = wanted.where(table.hospital_id == hospital_id)
        changed = wanted.values(revoked_at=clock.now(), revoked_because=because)
        count = rows_changed(session, changed)
        ended += count if table is TokenFamily else 0
    return ended


def open_family(
    session: Session, standing: Standing, client: Client, *, factors: str = PASSWORD
) -> Tokens:
    """Open a session for somebody who has proved who they are, by these factors.

    Their client is known from now.
    """
    family = TokenFamily(
        id=new_id(),
        user_id=standing.user.id,
        hospital_id=standing.hospital.id,
        user_agent=client.user_agent[:200],
        address=client.address[:45],
        factors=factors,
        authenticated_at=clock.now(),
    )
    session.add(family)
    session.flush()
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_SIGNED_IN,
        user_id=standing.user.id,
        hospital_id=standing.hospital.id,
        role=standing.role.value,
        subject=("token_family", family.id),
        details={"factors": factors},
    )
    greet_client(session, family, device=client.device)
    return _issue(session, family, standing)


def _issue(
    session: Session, family: TokenFamily, standing: Standing, *, with_refresh: bool = True
) -> Tokens:
    settings, now = settings_of(session), clock.now()
    user, hospital, role = standing.user, standing.hospital, standing.role
    identity = tokens.Identity(
        user_id=user.id,
        username=user.username,
        role=role.value,
        permissions=get_permissions(session, hospital_id=hospital.id, role=role),
        hospital_id=hospital.id,
        family_id=family.id,
    )
    refresh = ""
    if with_refresh:
        # It never outlives the session. That one may end unused before is seen when it comes back:
        # the access token may be used meanwhile, and that moves the end.
        over_at = family.created_at + limits_of(settings, role).absolute
        longest = now + timedelta(seconds=settings.refresh_token_seconds)
        jti, expires_at = new_id(), min(longest, over_at)
        session.add(RefreshToken(jti=jti, family_id=family.id, expires_at=expires_at))
        refresh = tokens.mint_refresh(settings, identity, jti, now, expires_at)
    return Tokens(
        access_token=tokens.mint_access(settings, identity, now),
        refresh_token=refresh,
        expires_in=settings.access_token_seconds,
        user=UserRead(
            id=user.id,
            email=user.email,
            username=user.username,
            email_verified=user.email_verified_at is not None,
            timezone=user.timezone,
            role=role.value,
            permissions=sorted(identity.permissions),
            hospital=HospitalRead(id=hospital.id, name=hospital.name),
            hospitals=list_hospitals(session, user_id=user.id),
        ),
    )
