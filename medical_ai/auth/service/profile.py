"""Changing what an account says of its owner: the address, the name, the clock."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import User
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.schemas import EmailChange, ProfileUpdate, UserRead
from medical_ai.auth.service.accounts import get_profile, normal_email
from medical_ai.auth.service.changes import (
    EMAIL_CHANGE_ASKED,
    EMAIL_CHANGED,
    security_changed,
)
from medical_ai.auth.service.live import LiveAccount
from medical_ai.auth.service.one_time import (
    SPENT,
    find_token,
    issue_token,
    mail_token,
    redeem_token,
)
from medical_ai.auth.service.password import check_password
from medical_ai.auth.service.verification import count_mail
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, integrity_as
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from medical_ai.core.events import AccountNotice, ZoneChanged, publish

SAME = "This is your address already."
TAKEN = "This address cannot be used. Choose another one."


def change_email(session: Session, *, actor: Actor, data: EmailChange) -> bool:
    """Start to give the actor another address, and tell the present one; True once mail is sent.

    It changes when a link that went to the new address is opened. Whether that belongs to another
    account is told to nobody before. Where there is no mail it changes at once, and is False.
    Raises InvalidInput for a wrong password.
    """
    database, email = database_of(session), normal_email(data.email)
    check_password(database, actor=actor, password=data.password, field="password")
    if database.settings.smtp_host:
        count_mail(database, "mail-change", str(actor.user_id))
    user = session.get_one(User, actor.user_id)
    if user.email == email:
        raise InvalidInput(fields=(FieldProblem("email", SAME),))
    if not database.settings.smtp_host:
        _set_email(session, actor, user, email, is_verified=False)
        return False
    life = timedelta(hours=database.settings.verification_link_hours)
    purpose = OneTimePurpose.CHANGE_EMAIL
    mail_token(
        session, issue_token(session, purpose=purpose, email=email, life=life, user_id=user.id)
    )
    publish(
        session,
        AccountNotice(user.id, actor.tenant_id, EMAIL_CHANGE_ASKED, user.id, email=user.email),
    )
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.ACCOUNT_EMAIL_CHANGE_ASKED,
        subject=("user", user.id),
    )
    return True


def confirm_email(session: Session, *, actor: Actor, token: str) -> None:
    """Give the actor the address that a link of theirs went to; their other sessions end.

    They are signed in: a stranger who gets the link, for an address typed wrong, cannot use it.
    Raises NotFound for a link that does not hold or is another's, Conflict for a taken address.
    """
    link = find_token(session, purpose=OneTimePurpose.CHANGE_EMAIL, token=token)
    if link is None or link.user_id != actor.user_id:
        raise NotFound(SPENT)
    redeem_token(session, purpose=OneTimePurpose.CHANGE_EMAIL, token=token)
    user = session.get_one(User, actor.user_id)
    _set_email(session, actor, user, link.email, is_verified=True)


def update_profile(
    session: Session, *, actor: Actor, account: LiveAccount, data: ProfileUpdate
) -> UserRead:
    """Change how the actor is called and by which clock they live; return their account."""
    user = session.get_one(User, actor.user_id)
    user.username = data.username or user.username
    if data.timezone is not None and data.timezone != user.timezone:
        user.timezone = data.timezone
        publish(session, ZoneChanged(user.id, user.timezone))
    audit.record(
        session, actor=actor, tag=AuditTag.ACCOUNT_PROFILE_CHANGED, subject=("user", user.id)
    )
    renamed = replace(account, username=user.username, timezone=user.timezone)
    return get_profile(session, actor=actor, account=renamed)


def _set_email(
    session: Session, actor: Actor, user: User, email: str, *, is_verified: bool
) -> None:
    with integrity_as(session, Conflict(TAKEN)):
        user.email = email
        user.email_verified_at = clock.now() if is_verified else None
        session.flush()
    security_changed(
        session,
        user_id=user.id,
        hospital_id=actor.tenant_id,
        kind=EMAIL_CHANGED,
        subject_id=user.id,
        because="e-mail changed",
        keep_family=actor.family_id,
    )
    audit.record(
        session, actor=actor, tag=AuditTag.ACCOUNT_EMAIL_CHANGED, subject=("user", user.id)
    )
