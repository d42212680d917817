"""Secret links about a record: sent by mail, or spelled once to be handed over."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core.database import settings_of
from medical_ai.notifications.wording import LINKS


def send_or_spell(
    session: Session,
    *,
    purpose: OneTimePurpose,
    email: str,
    life: timedelta,
    user_id: UUID,
    subject_id: UUID,
) -> str | None:
    """Mail a link; where no mail server is configured, return it instead to be shown once."""
    token_id = auth.issue_token(
        session,
        purpose=purpose,
        email=email,
        life=life,
        user_id=user_id,
        subject_id=subject_id,
    )
    if auth.mail_token(session, token_id):
        return None
    settings = settings_of(session)
    token = auth.spell_token(settings, purpose, token_id)
    # After the #, so that no server's log ever sees it.
    return f"{settings.public_url.rstrip('/')}{LINKS[purpose].page}#{token}"
