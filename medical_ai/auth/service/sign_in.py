"""Signing in: a password, and a second factor where the account has one.

What is half-way is a row that holds for minutes and works once, never a session.
"""

import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle, tokens
from medical_ai.auth.guesses import Guess, admit_guess, forgive_guess
from medical_ai.auth.models import Membership, ProviderSignIn, User
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import MfaRequired
from medical_ai.auth.schemas import SignIn, Tokens
from medical_ai.auth.service import challenges, factors
from medical_ai.auth.service.accounts import find_brought_hash, find_user, normal_email
from medical_ai.auth.service.challenges import ChallengeRef
from medical_ai.auth.service.clients import find_mark, is_device
from medical_ai.auth.service.hospitals import find_membership_to_open
from medical_ai.auth.service.live import Client, Standing, may_sign_in
from medical_ai.auth.service.recent import PASSWORD, PROVIDER
from medical_ai.auth.service.sessions import open_family
from medical_ai.auth.service.verification import may_mail, send_verification
from medical_ai.core.database import Database, database_of, rows_changed, settings_of
from medical_ai.core.errors import PermissionDenied, Unauthenticated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy

SIGN_IN = "sign-in"
WRONG = "The e-mail address or the password is wrong."
UNVERIFIED = (
    "Confirm your e-mail address first. Open the link in the message we sent you; it may take a"
    " few minutes, and hide among unwanted mail."
)
WRONG_CODE = "This code does not fit, or was used already. Wait for the next one and try it."
TOO_LATE = "That took too long. Please sign in again."
DIGEST_BYTES, UUID_BYTES = hashlib.sha256().digest_size, 16
CODE_NEEDED = "Send the code of the authenticator app, or a recovery code, as `otp`."


class EmailUnverified(PermissionDenied):
    """The password is right, and the address was never confirmed where it has to be."""

    slug, title = "email-unverified", "Your e-mail address is not confirmed yet"
    keeps_work = True  # the link that was sent again


@dataclass(frozen=True, slots=True)
class ProvedPassword:
    """Somebody who knew a password: whose, what counted the try, and a better hash of it."""

    user: User
    guess: Guess
    is_counted: bool
    new_hash: str | None


def sign_in(session: Session, *, data: SignIn, client: Client) -> Tokens:
    """Open a session for the right e-mail and password, and the right code where one is needed.

    Raises Unauthenticated, in the same time and words whether or not the account exists,
    MfaRequired where a code is needed and none was sent, and TooManyRequests.
    """
    standing = _check_password(session, data, client)
    proved = PASSWORD
    if factors.needs_second_factor(session, standing.user.id):
        if not data.otp:
            raise MfaRequired(CODE_NEEDED)
        proved = _prove(session, standing, data.otp)
    return open_family(session, standing, client, factors=proved)


def begin_sign_in(session: Session, *, data: SignIn, client: Client) -> Tokens | UUID:
    """Sign in by password; where the account has a second factor, return what waits for it.

    Raises what `sign_in` raises, but MfaRequired.
    """
    standing = _check_password(session, data, client)
    if not factors.needs_second_factor(session, standing.user.id):
        return open_family(session, standing, client)
    return begin_second_step(session, standing)


def begin_second_step(
    session: Session, standing: Standing, *, visit_id: UUID | None = None
) -> UUID:
    """Let somebody who proved one factor wait for the other; return what waits.

    `visit_id` is their sign-in at the provider, where that was the first and not a password.
    """
    came_from = visit_id.bytes + standing.hospital.id.bytes if visit_id else b""
    return challenges.begin(
        session,
        purpose=ChallengePurpose.SECOND_STEP,
        content=_fingerprint(standing.user) + came_from,
        user_id=standing.user.id,
    )


def find_half_way(session: Session, *, attempt_id: UUID | None) -> ChallengeRef | None:
    """Return the sign-in of this browser that waits for its second factor, while it does."""
    return challenges.find(session, purpose=ChallengePurpose.SECOND_STEP, challenge_id=attempt_id)


def finish_sign_in(
    session: Session, *, attempt_id: UUID | None, code: str, client: Client
) -> Tokens:
    """Open the session that waited for a code. Raises Unauthenticated and TooManyRequests."""
    attempt = find_half_way(session, attempt_id=attempt_id)
    if attempt is None or attempt.user_id is None:
        raise Unauthenticated(TOO_LATE)
    fingerprint, came_from = attempt.content[:DIGEST_BYTES], attempt.content[DIGEST_BYTES:]
    visit = _find_visit(session, came_from)
    standing = standing_of(session, attempt.user_id, hospital_id=_hospital_of(came_from))
    if not hmac.compare_digest(fingerprint, _fingerprint(standing.user)):
        raise Unauthenticated(TOO_LATE)  # the password was changed meanwhile
    proved = _prove(session, standing, code, after=PROVIDER if visit else PASSWORD)
    if challenges.use(session, attempt) is None:
        raise Unauthenticated(TOO_LATE)
    granted = open_family(session, standing, client, factors=proved)
    if visit is not None:
        visit.family_id = tokens.family_of(granted.access_token)
    return granted


def standing_of(session: Session, user_id: UUID, *, hospital_id: UUID | None = None) -> Standing:
    """Return who an account is in that hospital, or in the one it used last.

    Raises Unauthenticated where it may not sign in.
    """
    user = session.get(User, user_id)
    if user is None or not may_sign_in(user, settings_of(session)):
        raise Unauthenticated(WRONG)
    membership = _membership_to_open(session, user_id, hospital_id)
    hospital = tenancy.get_hospital(session, membership.hospital_id)
    return Standing(user, hospital, membership.role)


def count_sign_in(session: Session, client: Client) -> None:
    """Count a try at signing in from one address. Raises TooManyRequests."""
    database = database_of(session)
    throttle.count_attempt(
        database,
        scope=SIGN_IN,
        subject=throttle.network_of(client.address),
        limit=database.settings.login_attempts_per_minute,
    )


def _check_password(session: Session, data: SignIn, client: Client) -> Standing:
    proved = _prove_password(session, data=data, client=client)
    database = database_of(session)
    must_verify = _must_verify(database, proved.user)
    may_send = must_verify and may_mail(database, "mail-sign-in", proved.user.email)
    # From here on the session writes; nothing slow comes after.
    forgive_guess(session, proved.guess)
    if proved.is_counted:
        network = throttle.network_of(client.address)
        throttle.forgive_attempt(session, scope=SIGN_IN, subject=network)
    _renew_hash(session, proved)
    if must_verify:
        if may_send:
            send_verification(session, user_id=proved.user.id, email=proved.user.email)
        raise EmailUnverified(UNVERIFIED)
    return standing_of(session, proved.user.id)


def _prove_password(session: Session, *, data: SignIn, client: Client) -> ProvedPassword:
    database = database_of(session)
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
    # A browser that the account knows does not suffer from others who share its address.
    is_counted = not is_device(mark, client.device)
    if is_counted:
        count_sign_in(session, client)
    guess = admit_guess(database, account=f"email:{email}", client=mark)
    fits = passwords.verify_password(
        found.password_hash if found else None, data.password, at_once=at_once, brought=brought
    )
    if found is None or not fits or not may_sign_in(found, database.settings):
        _record_failure(session, found.id if found else None)
        raise Unauthenticated(WRONG)
    outdated = passwords.is_outdated(found.password_hash)
    new_hash = passwords.hash_password(data.password, at_once=at_once) if outdated else None
    return ProvedPassword(found, guess, is_counted, new_hash)


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


def _prove(session: Session, standing: Standing, code: str, *, after: str = PASSWORD) -> str:
    kind = factors.accept_otp(
        session, user_id=standing.user.id, hospital_id=standing.hospital.id, code=code
    )
    if kind is None:
        raise Unauthenticated(WRONG_CODE)
    return f"{after}+{kind}"


def _hospital_of(came_from: bytes) -> UUID | None:
    return UUID(bytes=came_from[UUID_BYTES:]) if came_from else None


def _find_visit(session: Session, came_from: bytes) -> ProviderSignIn | None:
    if not came_from:
        return None
    visit = session.get(ProviderSignIn, UUID(bytes=came_from[:UUID_BYTES]))
    if visit is None:
        raise Unauthenticated(TOO_LATE)  # the account was parted from the provider meanwhile
    return visit


def _fingerprint(user: User) -> bytes:
    return hashlib.sha256(user.password_hash.encode()).digest()


def _membership_to_open(session: Session, user_id: UUID, hospital_id: UUID | None) -> Membership:
    membership = find_membership_to_open(session, user_id, hospital_id=hospital_id)
    if membership is None:
        raise Unauthenticated(WRONG)
    return membership
