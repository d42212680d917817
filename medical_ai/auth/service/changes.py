"""What follows every change that matters: other sessions end, and the owner is told."""

from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.service.one_time import void_tokens
from medical_ai.auth.service.sessions import revoke_families
from medical_ai.core.events import AccountNotice, publish

PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a notice's kind  # pragma: allowlist secret
EMAIL_CHANGED = "email-changed"
EMAIL_CHANGE_ASKED = "email-change-asked"
SIGN_UP_TRIED = "sign-up-tried"
"""Kinds of notices that accounts cause; the package of notices is above this one."""

OPENS_THE_ACCOUNT = (OneTimePurpose.RESET_PASSWORD, OneTimePurpose.CHANGE_EMAIL)


def security_changed(
    session: Session,
    *,
    user_id: UUID,
    hospital_id: UUID,
    kind: str,
    subject_id: UUID,
    because: str,
    keep_family: UUID | None,
) -> None:
    """End every session of an account but `keep_family`, and tell its owner what changed.

    `kind` is a NoticeKind's value, `subject_id` the row the notice is about, and `because` is kept
    with the ended sessions (32 characters). Links on their way that could change the account once
    more are worth nothing from now: whoever asked for them may be who was just shut out.
    """
    revoke_families(session, user_id=user_id, because=because, keep=keep_family)
    void_tokens(session, user_id=user_id, purposes=OPENS_THE_ACCOUNT)
    publish(session, AccountNotice(user_id, hospital_id, kind, subject_id))
