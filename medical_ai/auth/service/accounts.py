"""Accounts: created, looked up, described."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.models import Membership, User
from medical_ai.auth.password_rules import refuse_guessable
from medical_ai.auth.permissions import Role
from medical_ai.auth.schemas import HospitalChoice, HospitalRead, SignUp, Tokens, UserRead
from medical_ai.auth.service.changes import SIGN_UP_TRIED
from medical_ai.auth.service.hospitals import list_hospitals
from medical_ai.auth.service.live import Client, LiveAccount, Standing, get_home
from medical_ai.auth.service.sessions import open_family
from medical_ai.auth.service.verification import may_mail, send_verification
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, database_of, integrity_as, rows_changed, settings_of
from medical_ai.core.errors import Conflict
from medical_ai.core.events import AccountCreated, AccountNotice, publish
from medical_ai.core.ids import new_id
from medical_ai.jobs import service as jobs
from medical_ai.jobs.sealed import open_values, seal_values
from medical_ai.jobs.service import ClaimedJob
from medical_ai.tenancy import service as tenancy
from medical_ai.tenancy.schemas import HospitalRef

OPEN_ACCOUNT = "account.open"


def sign_up(session: Session, *, data: SignUp, client: Client) -> Tokens | None:
    """Create a patient's account in the default hospital and sign it in.

    Where addresses must be confirmed first, nothing is returned and all else is done by mail, so
    that nobody learns whether an address is taken. Raises Conflict for a taken one otherwise,
    InvalidInput for a password that is guessed easily, TooManyRequests for too many new accounts.
    """
    database = database_of(session)
    throttle.count_attempt(
        database,
        scope="sign-up",
        subject=throttle.network_of(client.address),
        limit=database.settings.signups_per_minute,
    )
    refuse_guessable(data.password, email=data.email, username=data.username or "")
    user = _new_user(database.settings, data)  # hashed before the write lock is taken
    verification = database.settings.asks_for_verification
    if verification == "required":
        _open_by_mail(session, database, user)
        return None
    hospital = _open_account(session, user, is_mailed=verification == "offered")
    return open_family(session, Standing(user, hospital, Role.PATIENT), client)


def open_wanted_account(database: Database, job: ClaimedJob, _channels: object) -> None:
    """Run one job that opens an account whose address is confirmed first.

    For a taken address its owner is told instead. A race of two is lost by the job that comes
    second, which fails, is tried again, and finds the address taken.
    """
    values = open_values(database, job.payload)
    with database.unit_of_work() as session:
        taken = find_user(session, values["email"])
        if taken is None:
            _open_account(session, User(id=new_id(), **values), is_mailed=True)
        else:
            home = get_home(session, taken.id)
            publish(session, AccountNotice(taken.id, home, SIGN_UP_TRIED, taken.id))
        jobs.finish_job(session, job)


def create_demo_account(
    session: Session, *, data: SignUp, hospital: HospitalRef, role: Role
) -> UUID:
    """Create a made-up person's account and return its id."""
    user = _new_user(settings_of(session), data, is_demo=True)
    admit(session, user, hospital, role)
    return user.id


def create_staff_account(
    session: Session, *, data: SignUp, hospital: HospitalRef, role: Role, is_verified: bool
) -> User:
    """Create the account of somebody who was invited.

    Hash first: nothing may have been asked of the session yet, or the hash holds the write lock.
    """
    user = _new_user(settings_of(session), data)
    user.email_verified_at = clock.now() if is_verified else None
    admit(session, user, hospital, role)
    return user


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
    if account.life is not None and account.hospitals == 1:
        # The guard counted them a moment ago: there is no other to ask the database for.
        choices = [HospitalChoice(id=hospital.id, name=hospital.name, role=actor.role)]
    else:
        choices = list_hospitals(session, user_id=actor.user_id)
    return UserRead(
        id=actor.user_id,
        email=account.email,
        email_verified=account.email_verified,
        username=account.username,
        timezone=account.timezone,
        role=actor.role,
        permissions=sorted(actor.permissions),
        hospital=HospitalRead(id=hospital.id, name=hospital.name),
        hospitals=choices,
    )


def find_user(session: Session, email: str) -> User | None:
    """Return the account with this e-mail address, if there is one."""
    return session.scalar(select(User).where(User.email == normal_email(email)))


def get_email(session: Session, *, user_id: UUID) -> str | None:
    """Return where an account gets its e-mail; None when it is gone or suspended."""
    return session.scalar(select(User.email).where(User.id == user_id, User.suspended_at.is_(None)))


def find_brought_hash(session: Session) -> str | None:
    """Return a bcrypt hash that was brought from elsewhere, as long as there is any."""
    is_bcrypt = User.password_hash.like("$2_$%")
    return session.scalar(select(User.password_hash).where(is_bcrypt).limit(1))


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


def _open_by_mail(session: Session, database: Database, user: User) -> None:
    if not may_mail(database, "mail-sign-up", user.email):
        return  # the same answer: there are enough messages on their way
    wanted = seal_values(
        database,
        email=user.email,
        username=user.username,
        password_hash=user.password_hash,
        timezone=user.timezone,
    )
    jobs.enqueue(
        session, kind=OPEN_ACCOUNT, payload=wanted, idempotency_key=f"{OPEN_ACCOUNT}.{user.id}"
    )


def _open_account(session: Session, user: User, *, is_mailed: bool) -> HospitalRef:
    hospital = tenancy.ensure_default_hospital(session)
    admit(session, user, hospital, Role.PATIENT)
    if is_mailed:
        send_verification(session, user_id=user.id, email=user.email)
    return hospital


def admit(session: Session, user: User, hospital: HospitalRef, role: Role) -> None:
    """Add a new account and what it is in its first hospital. Raises Conflict."""
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
