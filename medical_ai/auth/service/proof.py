"""Proof that it is the owner who asks, for what cannot be undone or takes everything along."""

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
from medical_ai.core.errors import FieldProblem, InvalidInput, PermissionDenied

RECENT = timedelta(minutes=15)
NOT_YOURS = "This is not your password."


def prove_password(database: Database, *, actor: Actor, password: str) -> None:
    """Check the actor's own password, outside any transaction: a hash takes its time.

    Raises InvalidInput that names the field, and TooManyRequests after too many tries.
    """
    settings = database.settings
    throttle.count_attempt(
        database,
        scope="proof",
        subject=str(actor.user_id),
        limit=settings.login_attempts_per_minute,
    )
    with database.reading() as reader:
        known = reader.scalar(select(User.password_hash).where(User.id == actor.user_id))
    if passwords.verify_password(known, password, at_once=settings.password_hashes_at_once):
        return
    with database.unit_of_work() as session:
        audit.record(session, tag=AuditTag.ACCOUNT_PROOF_FAILED, actor=actor)
    raise InvalidInput(fields=(FieldProblem("password", NOT_YOURS),))


def require_recent_sign_in(session: Session, *, actor: Actor) -> None:
    """Raise PermissionDenied unless the actor signed in within the last quarter of an hour."""
    signed_in_at = session.scalar(
        select(TokenFamily.created_at).where(TokenFamily.id == actor.family_id)
    )
    if signed_in_at is None or signed_in_at < clock.now() - RECENT:
        raise PermissionDenied("Sign in again and ask within a quarter of an hour.")
