"""Proof, once more, of being who one says: before something that outlasts the session."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from medical_ai.auth.models import User
from medical_ai.auth.refusals import ProofRequired
from medical_ai.auth.service.password import check_password
from medical_ai.auth.service.recent import CONFIRM, has_second_factor, is_recent
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.core.errors import FieldProblem, InvalidInput

NEEDED = "Enter your password: you signed in more than ten minutes ago."
WANTED = "Enter your password."


def wants_password(session: Session, *, actor: Actor) -> bool:
    """Tell whether the actor's password would do as the proof that is missing."""
    return not is_recent(session, actor=actor) and not _takes_more(session, actor)


def require_proof(database: Database, *, actor: Actor, password: str | None) -> None:
    """Pass if the actor proved lately who they are, or gives the password where that is enough.

    Opens sessions of its own, so that no lock is held while a hash runs and a wrong password stays
    counted. Raises ProofRequired where a password does not do, InvalidInput about `password`, and
    TooManyRequests after too many wrong ones.
    """
    with database.reading() as session:
        if is_recent(session, actor=actor):
            return
        if _takes_more(session, actor):
            raise ProofRequired(CONFIRM)
    if not password:
        raise InvalidInput(fields=(FieldProblem("password", NEEDED),))
    check_password(database, actor=actor, password=password, field="password")


def prove_password(database: Database, *, actor: Actor, password: str | None) -> None:
    """Ask for the password whatever was proved lately: for what cannot be undone.

    Where the account has a second factor, that must have been shown lately, too; where it has no
    password, its owner must have signed in lately. Raises what `require_proof` raises.
    """
    with database.reading() as session:
        has_password = bool(session.get_one(User, actor.user_id).password_hash)
    if has_password:
        if not password:
            raise InvalidInput(fields=(FieldProblem("password", WANTED),))
        check_password(database, actor=actor, password=password, field="password")
    with database.reading() as session:
        if _takes_more(session, actor) and not is_recent(session, actor=actor):
            raise ProofRequired(CONFIRM)


def _takes_more(session: Session, actor: Actor) -> bool:
    # There is a second factor, or no password at all.
    takes_more = or_(has_second_factor(), User.password_hash == "")
    return bool(session.scalar(select(takes_more).where(User.id == actor.user_id)))
