"""The authenticator app of an account: begun, confirmed, asked for codes, removed."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from medical_ai.auth import otp, throttle
from medical_ai.auth.models import TotpFactor
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.auth.refusals import WrongProof
from medical_ai.auth.schemas import TotpEnrolment
from medical_ai.auth.service import challenges
from medical_ai.auth.service.recent import require_recent
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import place
from medical_ai.core.database import database_of, integrity_as, rows_changed
from medical_ai.core.errors import Conflict, NotFound

ENROLMENT_LIFE = timedelta(minutes=15)
HAVE_ONE = "There is an authenticator app already. Remove it first."
NOT_BEGUN = "Nothing is waiting to be confirmed. Begin again."
WRONG_CODE = "This code does not fit, or was used already. Wait for the next one and try it."


def begin_totp(session: Session, *, actor: Actor, email: str) -> TotpEnrolment:
    """Make a secret that counts once a code confirms it.

    Raises Conflict when there is an app already, and ProofRequired.
    """
    require_recent(session, actor=actor)
    if has_totp(session, actor.user_id):
        raise Conflict(HAVE_ONE)
    secret = otp.new_secret()
    challenges.begin(
        session,
        purpose=ChallengePurpose.TOTP_ENROLMENT,
        content=secret.encode(),
        user_id=actor.user_id,
        family_id=actor.family_id,
        life=ENROLMENT_LIFE,
    )
    return _enrolment(secret, email)


def find_pending_totp(session: Session, *, actor: Actor, email: str) -> TotpEnrolment | None:
    """Return the secret that waits for its first code in this session, if there is one."""
    found = challenges.find_of(session, purpose=ChallengePurpose.TOTP_ENROLMENT, actor=actor)
    return _enrolment(found.content.decode(), email) if found else None


def confirm_totp(session: Session, *, actor: Actor, code: str) -> None:
    """Let the app that was begun in this session count. Its first code is used up by it.

    Raises WrongProof, Conflict when nothing was begun, and TooManyRequests.
    """
    require_recent(session, actor=actor)
    begun = challenges.find_of(session, purpose=ChallengePurpose.TOTP_ENROLMENT, actor=actor)
    if begun is None:
        raise Conflict(NOT_BEGUN)
    throttle.count_code(session, actor.user_id)
    secret = begun.content.decode()
    step = otp.matching_step(secret, otp.plain(code), clock.now())
    if step is None:
        raise WrongProof("code", WRONG_CODE)
    if challenges.use(session, begun) is None:
        raise Conflict(NOT_BEGUN)
    sealed = database_of(session).keyring.seal(secret.encode(), _place(actor.user_id))
    with integrity_as(session, Conflict(HAVE_ONE)):
        session.add(TotpFactor(user_id=actor.user_id, secret_sealed=sealed, last_step=step))
    throttle.forgive_codes(session, actor.user_id)


def accept_totp(session: Session, user_id: UUID, code: str) -> bool:
    """Tell whether a code fits, and use it up: the database decides which of two was first."""
    row = session.execute(
        select(TotpFactor.secret_sealed).where(TotpFactor.user_id == user_id)
    ).one_or_none()
    if row is None:
        return False
    secret = database_of(session).keyring.open(row.secret_sealed, _place(user_id)).decode()
    step = otp.matching_step(secret, code, clock.now())
    if step is None:
        return False
    newer = update(TotpFactor).where(TotpFactor.user_id == user_id, TotpFactor.last_step < step)
    return rows_changed(session, newer.values(last_step=step)) == 1


def has_totp(session: Session, user_id: UUID) -> bool:
    """Tell whether the account has an authenticator app that counts."""
    found = select(TotpFactor.user_id).where(TotpFactor.user_id == user_id)
    return session.scalar(found) is not None


def delete_totp(session: Session, user_id: UUID) -> None:
    """Forget the authenticator app. Raises NotFound when there is none."""
    if rows_changed(session, delete(TotpFactor).where(TotpFactor.user_id == user_id)) != 1:
        raise NotFound("There is no authenticator app to remove.")


def _enrolment(secret: str, email: str) -> TotpEnrolment:
    return TotpEnrolment(secret=secret, otpauth_uri=otp.enrolment_uri(secret, email))


def _place(user_id: UUID) -> bytes:
    return place(TotpFactor.__tablename__, "secret_sealed", user_id)
