"""Confirming that an e-mail address is its owner's."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import User
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.service.one_time import SPENT, redeem_token, send_link
from medical_ai.auth.throttle import count_attempt
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database, database_of, rows_changed, settings_of
from medical_ai.core.errors import Conflict, NotFound, TooManyRequests

MAILS = 3
MAIL_WINDOW = timedelta(minutes=15)
NO_MAIL = "This installation sends no e-mail. Ask whoever runs it."
CONFIRMED = "Your e-mail address is confirmed already."


def send_verification(session: Session, *, user_id: UUID, email: str) -> None:
    """Mail an account the link that confirms its address."""
    life = timedelta(hours=settings_of(session).verification_link_hours)
    purpose = OneTimePurpose.VERIFY_EMAIL
    send_link(session, purpose=purpose, user_id=user_id, email=email, life=life)


def resend_verification(session: Session, *, actor: Actor) -> None:
    """Mail the actor the link that confirms their address once more.

    Raises Conflict where there is nothing to confirm or no mail, and TooManyRequests after a few.
    The caller has given the request's session back: the count is a transaction of its own.
    """
    database = database_of(session)
    require_mail(database)
    count_mail(database, "mail-again", str(actor.user_id))
    user = session.get_one(User, actor.user_id)
    if user.email_verified_at is not None:
        raise Conflict(CONFIRMED)
    send_verification(session, user_id=user.id, email=user.email)


def verify_email(session: Session, *, token: str) -> None:
    """Confirm the address that a link was sent to. Raises NotFound for one that does not hold."""
    link = redeem_token(session, purpose=OneTimePurpose.VERIFY_EMAIL, token=token)
    confirmed = rows_changed(
        session,
        update(User)
        .where(User.id == link.user_id, User.email == link.email)
        .values(email_verified_at=clock.now()),
    )
    if not confirmed:  # the account has another address by now
        raise NotFound(SPENT)
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_EMAIL_VERIFIED,
        user_id=link.user_id,
        subject=("one_time_token", link.id),
    )


def require_mail(database: Database) -> None:
    """Raise Conflict where no mail server is configured."""
    if not database.settings.smtp_host:
        raise Conflict(NO_MAIL)


def count_mail(
    database: Database, scope: str, subject: str, *, window: timedelta = MAIL_WINDOW
) -> None:
    """Count a mail that somebody asked for. Raises TooManyRequests after a few to one subject."""
    count_attempt(database, scope=scope, subject=subject, limit=MAILS, window=window)


def may_mail(
    database: Database, scope: str, email: str, *, window: timedelta = MAIL_WINDOW
) -> bool:
    """Tell whether an address may get one more mail of a kind, and count it.

    For those who must not learn it: they get the same answer, and the links already sent hold.
    """
    try:
        count_mail(database, scope, email, window=window)
    except TooManyRequests:
        return False
    return True
