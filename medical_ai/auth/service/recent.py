"""Whether a session proved lately who it is, which changes of an account's security ask for."""

from datetime import timedelta

from sqlalchemy import ColumnElement, case, false, or_, select, update
from sqlalchemy.orm import Session

from medical_ai.auth.models import Passkey, TokenFamily, TotpFactor, User
from medical_ai.auth.refusals import ProofRequired
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed

PASSWORD, PASSKEY, PROVIDER = "password", "passkey", "provider"
"""A passkey alone is two factors: the device, and what unlocks it."""
RECENT_MINUTES = 10
PROVIDER_ONLY = "Your account has no password: you sign in with the identity provider."
CONFIRM = "Confirm that it is you, and then do it again."


def has_second_factor() -> ColumnElement[bool]:
    """Return whether a row's user has a second factor, to be part of a query over users."""
    return or_(
        select(TotpFactor.user_id).where(TotpFactor.user_id == User.id).exists(),
        select(Passkey.id).where(Passkey.user_id == User.id).exists(),
    )


def is_recent(session: Session, *, actor: Actor, minutes: int = RECENT_MINUTES) -> bool:
    """Tell whether the actor's session proved who it is within the last minutes.

    Where the account has a second factor, that must have been part of the proof.
    """
    row = session.execute(
        select(TokenFamily.factors, TokenFamily.authenticated_at, has_second_factor())
        .join(User, User.id == TokenFamily.user_id)
        .where(TokenFamily.id == actor.family_id, TokenFamily.user_id == actor.user_id)
    ).one_or_none()
    if row is None or row[1] is None or clock.now() - row[1] > timedelta(minutes=minutes):
        return False
    return not row[2] or row[0] == PASSKEY or "+" in row[0]


def require_recent(session: Session, *, actor: Actor) -> None:
    """Raise ProofRequired unless the session proved lately who it is."""
    if not is_recent(session, actor=actor):
        raise ProofRequired(CONFIRM)


def strengthen(session: Session, *, actor: Actor, by: str) -> None:
    """Keep with a session opened by one factor that it has shown a second one just now, too."""
    rows_changed(
        session,
        update(TokenFamily)
        .where(TokenFamily.id == actor.family_id, TokenFamily.factors.in_((PASSWORD, PROVIDER)))
        .values(factors=TokenFamily.factors + f"+{by}", authenticated_at=clock.now()),
    )


def note_proof(session: Session, *, actor: Actor, factors: str) -> None:
    """Keep with the actor's session that it proved who it is just now, and by what.

    A password adds nothing to what the provider vouched for, and does not take it away: the
    provider may have asked for a second factor.
    """
    is_weaker = TokenFamily.factors.startswith(PROVIDER) if factors == PASSWORD else false()
    rows_changed(
        session,
        update(TokenFamily)
        .where(TokenFamily.id == actor.family_id, TokenFamily.user_id == actor.user_id)
        .values(
            factors=case((is_weaker, TokenFamily.factors), else_=factors),
            authenticated_at=clock.now(),
        ),
    )
