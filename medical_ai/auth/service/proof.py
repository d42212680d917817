"""Proof, once more, of being who one says: before something that outlasts the session."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.models import TokenFamily, User
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.core.errors import FieldProblem, InvalidInput

FRESH = timedelta(minutes=10)
NEEDED = "Enter your password: you signed in more than ten minutes ago."
WRONG = "This is not your password."


def has_fresh_proof(session: Session, *, actor: Actor) -> bool:
    """Tell whether the actor signed in within the last ten minutes."""
    signed_in_at = session.scalar(
        select(TokenFamily.created_at).where(
            TokenFamily.id == actor.family_id, TokenFamily.user_id == actor.user_id
        )
    )
    return signed_in_at is not None and clock.now() - signed_in_at <= FRESH


def require_proof(database: Database, *, actor: Actor, password: str | None) -> None:
    """Pass if the actor signed in within ten minutes, or gives the password of the account.

    Opens sessions of its own, so that no lock is held while a hash runs and a wrong password stays
    counted. Raises InvalidInput about `password`, and TooManyRequests after too many wrong ones.
    """
    with database.reading() as session:
        if has_fresh_proof(session, actor=actor):
            return
        known = session.scalar(select(User.password_hash).where(User.id == actor.user_id))
    if not password:
        raise InvalidInput(fields=(FieldProblem("password", NEEDED),))
    throttle.count_attempt(
        database,
        scope="proof",
        subject=str(actor.user_id),
        limit=database.settings.login_attempts_per_minute,
    )
    at_once = database.settings.password_hashes_at_once
    if not passwords.verify_password(known, password, at_once=at_once):
        with database.unit_of_work() as session:
            audit.record(session, actor=actor, tag=AuditTag.ACCOUNT_SIGN_IN_FAILED)
        raise InvalidInput(fields=(FieldProblem("password", WRONG),))
