"""Accounts and signed-in sessions: sign up, sign in, rotate, sign out."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle, tokens
from medical_ai.auth.models import Membership, RefreshToken, ThrottleWindow, TokenFamily, User
from medical_ai.auth.permissions import Role, permissions_of
from medical_ai.auth.schemas import HospitalRead, SignIn, SignUp, Tokens, UserRead
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import database_of, integrity_as, rows_changed, settings_of
from medical_ai.core.errors import Conflict, Unauthenticated
from medical_ai.core.events import AccountCreated, publish
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef

WRONG = "The e-mail address or the password is wrong."
EXPIRED_KEPT = timedelta(days=1)
ENDED = "This session has ended. Please sign in again."


# Asked on every request, so it is built once.
_LIVE_ACCOUNT = (
    select(User.email, User.timezone)
    .join(TokenFamily, TokenFamily.user_id == User.id)
    .where(
        TokenFamily.id == bindparam("family_id"),
        TokenFamily.user_id == bindparam("user_id"),
        TokenFamily.revoked_at.is_(None),
        User.suspended_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request comes from: its address and the browser or program it names."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """The account behind a session that holds, as far as every request may need it."""

    email: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Standing:
    """An account and what it is in the hospital of its session."""

    user: User
    hospital: HospitalRef
    role: Role


class Superseded(Unauthenticated):
    """The refresh token was exchanged a moment ago by the same client: two tabs, not a thief."""

    slug, title = "token-superseded", "This token was just exchanged"


def sign_up(session: Session, *, data: SignUp, client: Client) -> Tokens:
    """Create a patient's account in the default hospital and sign it in.

    Raises Conflict for a taken address and TooManyRequests for too many new accounts.
    """
    database = database_of(session)
    throttle.count_attempt(
        database,
        scope="sign-up",
        subject=client.address,
        limit=database.settings.signups_per_minute,
    )
    user = _new_user(database.settings, data)  # hashed before the write lock is taken
    hospital = tenancy.ensure_default_hospital(session)
    _admit(session, user, hospital, Role.PATIENT)
    return _open_family(session, Standing(user, hospital, Role.PATIENT), client)


def create_demo_account(
    session: Session, *, data: SignUp, hospital: HospitalRef, role: Role
) -> UUID:
    """Create a made-up person's account and return its id."""
    user = _new_user(settings_of(session), data, is_demo=True)
    _admit(session, user, hospital, role)
    return user.id


def set_demo_password(session: Session, *, email: str, password: str) -> bool:
    """Give a made-up person this password; False when there is no such person."""
    at_once = settings_of(session).password_hashes_at_once
    changed = rows_changed(
        session,
        update(User)
        .where(User.email == normal_email(email), User.is_demo.is_(True))
        .values(password_hash=passwords.hash_password(password, at_once=at_once)),
    )
    return bool(changed)


def sign_in(session: Session, *, data: SignIn, client: Client) -> Tokens:
    """Open a session for the right e-mail and password.

    Raises Unauthenticated, in the same time and words whether or not the account exists, and
    TooManyRequests after too many attempts from one address.
    """
    database = database_of(session)
    throttle.count_attempt(
        database,
        scope="sign-in",
        subject=client.address,
        limit=database.settings.login_attempts_per_minute,
    )
    # Looked up with a reading session: the write lock must not be held while a hash runs.
    with database.reading() as reader:
        found = find_user(reader, data.email)
    fits = passwords.verify_password(
        found.password_hash if found else None,
        data.password,
        at_once=database.settings.password_hashes_at_once,
    )
    if found is None or not fits or not _may_sign_in(found, database.settings):
        audit.record(
            session, tag=AuditTag.ACCOUNT_SIGN_IN_FAILED, user_id=found.id if found else None
        )
        raise Unauthenticated(WRONG)
    membership = _first_membership(session, found.id)
    hospital = tenancy.get_hospital(session, membership.hospital_id)
    return _open_family(session, Standing(found, hospital, membership.role), client)


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
    return _issue(session, family_id, standing)


def renew_access(session: Session, *, family_id: UUID) -> Tokens:
    """Grant access alone to a live family; for a browser tab that lost the race to rotate."""
    _, standing = _get_live_family(session, family_id)
    return _issue(session, family_id, standing, with_refresh=False)


def sign_out(session: Session, *, actor: Actor) -> None:
    """End the actor's session: its refresh tokens and its access tokens are dead at once."""
    if actor.family_id is not None:
        _revoke(session, actor.family_id, "signed out")
    audit.record(session, actor=actor, tag=AuditTag.ACCOUNT_SIGNED_OUT)


def find_live_account(session: Session, *, family_id: UUID, user_id: UUID) -> LiveAccount | None:
    """Return the account of a session of theirs that holds: neither revoked nor suspended."""
    asked = {"family_id": family_id, "user_id": user_id}
    row = session.execute(_LIVE_ACCOUNT, asked).one_or_none()
    return LiveAccount(row.email, row.timezone) if row else None


def get_profile(session: Session, *, actor: Actor, account: LiveAccount) -> UserRead:
    """Return the actor's account as its owner sees it."""
    hospital = tenancy.get_hospital(session, actor.tenant_id)
    return UserRead(
        id=actor.user_id,
        email=account.email,
        username=actor.username,
        timezone=account.timezone,
        role=actor.role,
        permissions=sorted(actor.permissions),
        hospital=HospitalRead(id=hospital.id, name=hospital.name),
    )


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


def find_user(session: Session, email: str) -> User | None:
    """Return the account with this e-mail address, if there is one."""
    return session.scalar(select(User).where(User.email == normal_email(email)))


def get_email(session: Session, *, user_id: UUID) -> str | None:
    """Return where an account gets its e-mail; None when it is gone or suspended."""
    return session.scalar(select(User.email).where(User.id == user_id, User.suspended_at.is_(None)))


def normal_email(email: str) -> str:
    """Return the form in which addresses are stored and compared."""
    return email.strip().lower()


def _new_user(settings: Settings, data: SignUp, *, is_demo: bool = False) -> User:
    email = normal_email(data.email)
    at_once = settings.password_hashes_at_once
    return User(
        id=new_id(),
        email=email,
        username=data.username or email.split("@")[0][:64],
        password_hash=passwords.hash_password(data.password, at_once=at_once),
        timezone=data.timezone or "UTC",
        is_demo=is_demo,
    )


def _admit(session: Session, user: User, hospital: HospitalRef, role: Role) -> None:
    with integrity_as(session, Conflict("There is an account with this e-mail address.")):
        session.add(user)
        session.flush()
        session.add(Membership(user_id=user.id, hospital_id=hospital.id, role=role))
    publish(session, AccountCreated(user.id, hospital.id, role.value, user.timezone))
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_CREATED,
        user_id=user.id,
        hospital_id=hospital.id,
        subject=("user", user.id),
    )


def _may_sign_in(user: User, settings: Settings) -> bool:
    """Tell whether an account may be used: suspended ones never, made-up ones on laptops only."""
    return user.suspended_at is None and not (user.is_demo and settings.production)


def _first_membership(session: Session, user_id: UUID) -> Membership:
    membership = session.scalar(
        select(Membership).where(Membership.user_id == user_id).order_by(Membership.created_at)
    )
    if membership is None:
        raise Unauthenticated(WRONG)
    return membership


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
        )
    ).one_or_none()
    if row is None or not _may_sign_in(row[1], settings_of(session)):
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
    _revoke(session, family.id, "token reused")
    audit.record(
        session,
        tag=AuditTag.TOKEN_REUSED,
        user_id=family.user_id,
        hospital_id=family.hospital_id,
        subject=("token_family", family.id),
    )
    return Unauthenticated(ENDED, invalid_token=True)


def _revoke(session: Session, family_id: UUID, because: str) -> None:
    rows_changed(
        session,
        update(TokenFamily)
        .where(TokenFamily.id == family_id, TokenFamily.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_because=because),
    )


def _open_family(session: Session, standing: Standing, client: Client) -> Tokens:
    family = TokenFamily(
        id=new_id(),
        user_id=standing.user.id,
        hospital_id=standing.hospital.id,
        user_agent=client.user_agent[:200],
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
