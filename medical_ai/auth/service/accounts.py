"""Accounts: created, looked up, described."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.models import Membership, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.schemas import HospitalRead, SignUp, Tokens, UserRead
from medical_ai.auth.service.sessions import Client, LiveAccount, Standing, open_family
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import database_of, integrity_as, rows_changed, settings_of
from medical_ai.core.errors import Conflict
from medical_ai.core.events import AccountCreated, publish
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef


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
    return open_family(session, Standing(user, hospital, Role.PATIENT), client)


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
        role=role.value,
        subject=("user", user.id),
    )
