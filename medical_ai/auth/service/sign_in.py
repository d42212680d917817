"""Signing in with an e-mail address and a password."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.guesses import Guess, admit_guess, forgive_guess
from medical_ai.auth.models import Membership, User
from medical_ai.auth.schemas import SignIn, Tokens
from medical_ai.auth.service.accounts import find_brought_hash, find_user, normal_email
from medical_ai.auth.service.clients import find_mark, is_device
from medical_ai.auth.service.hospitals import find_membership_to_open
from medical_ai.auth.service.sessions import Client, Standing, may_sign_in, open_family
from medical_ai.auth.service.verification import may_mail, send_verification
from medical_ai.core.database import Database, database_of, rows_changed
from medical_ai.core.errors import PermissionDenied, Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy

WRONG = "The e-mail address or the password is wrong."
UNVERIFIED = (
    "Confirm your e-mail address first. Open the link in the message we sent you; it may take a"
    " few minutes, and hide among unwanted mail."
)


class EmailUnverified(PermissionDenied):
    """The password is right, and the address was never confirmed where it has to be."""

    slug, title = "email-unverified", "Your e-mail address is not confirmed yet"
    keeps_work = True  # the link that was sent again


@dataclass(frozen=True, slots=True)
class ProvedPassword:
    """Somebody who knew a password: whose, the try it took, and a better hash of it."""

    user: User
    guess: Guess
    new_hash: str | None


def sign_in(session: Session, *, data: SignIn, client: Client) -> Tokens:
    """Open a session for the right e-mail and password.

    Raises Unauthenticated, in the same time and words whether or not the account exists;
    TooManyRequests after too many attempts from one address or at one account; and, for the right
    password alone, EmailUnverified where the address must be confirmed.
    """
    database = database_of(session)
    proved = _prove_password(session, database, data=data, client=client)
    must_verify = _must_verify(database, proved.user)
    may_send = must_verify and may_mail(database, "mail-sign-in", proved.user.email)
    # From here on the session writes; nothing slow comes after.
    forgive_guess(session, proved.guess)
    _renew_hash(session, proved)
    if must_verify:
        if may_send:
            send_verification(session, user_id=proved.user.id, email=proved.user.email)
        raise EmailUnverified(UNVERIFIED)
    membership = _membership_to_open(session, proved.user.id)
    hospital = tenancy.get_hospital(session, membership.hospital_id)
    return open_family(session, Standing(proved.user, hospital, membership.role), client)


def _prove_password(
    session: Session, database: Database, *, data: SignIn, client: Client
) -> ProvedPassword:
    email, at_once = normal_email(data.email), database.settings.password_hashes_at_once
    # Looked up with a reading session: the write lock must not be held while a hash runs.
    with database.reading() as reader:
        found = find_user(reader, email)
        mark = find_mark(
            reader,
            user_id=found.id if found else None,
            address=client.address,
            device=client.device,
        )
        brought = find_brought_hash(reader)
    guess = _admit(database, email, mark, client)
    fits = passwords.verify_password(
        found.password_hash if found else None, data.password, at_once=at_once, brought=brought
    )
    if found is None or not fits or not may_sign_in(found, database.settings):
        _record_failure(session, found.id if found else None)
        raise Unauthenticated(WRONG)
    outdated = passwords.is_outdated(found.password_hash)
    new_hash = passwords.hash_password(data.password, at_once=at_once) if outdated else None
    return ProvedPassword(found, guess, new_hash)


def _admit(database: Database, email: str, mark: str | None, client: Client) -> Guess:
    # A browser that the account knows does not suffer from others who share its address.
    if not is_device(mark, client.device):
        throttle.count_attempt(
            database,
            scope="sign-in",
            subject=throttle.network_of(client.address),
            limit=database.settings.login_attempts_per_minute,
        )
    return admit_guess(database, account=f"email:{email}", client=mark)


def _must_verify(database: Database, user: User) -> bool:
    is_asked = database.settings.asks_for_verification == "required"
    return is_asked and user.email_verified_at is None and not user.is_demo


def _renew_hash(session: Session, proved: ProvedPassword) -> None:
    if proved.new_hash is None:
        return
    # Unless it was changed meanwhile.
    same = (User.id == proved.user.id, User.password_hash == proved.user.password_hash)
    rows_changed(session, update(User).where(*same).values(password_hash=proved.new_hash))


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
