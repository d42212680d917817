"""Signing in with an e-mail address and a password."""

from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.models import Membership
from medical_ai.auth.schemas import SignIn, Tokens
from medical_ai.auth.service.accounts import find_user
from medical_ai.auth.service.hospitals import find_membership_to_open
from medical_ai.auth.service.sessions import Client, Standing, may_sign_in, open_family
from medical_ai.core.database import database_of
from medical_ai.core.errors import Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy

WRONG = "The e-mail address or the password is wrong."


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
    if found is None or not fits or not may_sign_in(found, database.settings):
        _record_failure(session, found.id if found else None)
        raise Unauthenticated(WRONG)
    membership = _membership_to_open(session, found.id)
    hospital = tenancy.get_hospital(session, membership.hospital_id)
    return open_family(session, Standing(found, hospital, membership.role), client)


def _record_failure(session: Session, user_id: UUID | None) -> None:
    # The hospital is looked up for unknown accounts as well: it takes the same time.
    row = session.execute(
        select(Membership.hospital_id, Membership.role)
        .where(Membership.user_id == (user_id or new_id()))
        .order_by(Membership.created_at)
        .limit(1)
    ).one_or_none()
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_SIGN_IN_FAILED,
        user_id=user_id,
        hospital_id=row.hospital_id if row else None,
        role=row.role.value if row else "",
    )


def _membership_to_open(session: Session, user_id: UUID) -> Membership:
    membership = find_membership_to_open(session, user_id)
    if membership is None:
        raise Unauthenticated(WRONG)
    return membership
