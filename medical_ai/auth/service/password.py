"""Changing a password, and choosing a new one by a link that was mailed."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import passwords, throttle
from medical_ai.auth.guesses import admit_guess, forgive_guess
from medical_ai.auth.models import User
from medical_ai.auth.password_rules import refuse_guessable
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.schemas import PasswordChange, PasswordReset
from medical_ai.auth.service.accounts import find_brought_hash, find_user, normal_email
from medical_ai.auth.service.changes import PASSWORD_CHANGED, security_changed
from medical_ai.auth.service.clients import remember_client
from medical_ai.auth.service.live import Client, get_home, may_sign_in
from medical_ai.auth.service.one_time import (
    SPENT,
    find_token,
    issue_token,
    redeem_token,
    send_link,
    spell_token,
)
from medical_ai.auth.service.recent import PROVIDER_ONLY
from medical_ai.auth.service.verification import may_mail, require_mail
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database, database_of, settings_of
from medical_ai.core.errors import FieldProblem, InvalidInput, NotFound
from medical_ai.core.ids import new_id
from medical_ai.jobs import service as jobs
from medical_ai.jobs.sealed import open_values, seal_values
from medical_ai.jobs.service import ClaimedJob

ANSWER_FORGOTTEN = "password.forgotten"
NOT_PRESENT = "This is not your password."


def check_password(database: Database, *, actor: Actor, password: str, field: str) -> None:
    """Have the actor prove that they know their password, before something that matters.

    Raises InvalidInput at `field`, and TooManyRequests after too many wrong ones. It counts in
    transactions of its own, so a request gives its session back first (`release_session`).
    """
    with database.reading() as reader:
        stored = reader.get_one(User, actor.user_id).password_hash
        brought = find_brought_hash(reader)
    if not stored:
        raise InvalidInput(fields=(FieldProblem(field, PROVIDER_ONLY),))
    guess = admit_guess(database, account=f"account:{actor.user_id}", client="signed in")
    at_once = database.settings.password_hashes_at_once
    fits = passwords.verify_password(stored, password, at_once=at_once, brought=brought)
    with database.unit_of_work() as session:
        if fits:
            forgive_guess(session, guess)
        else:
            audit.record(session, actor=actor, tag=AuditTag.ACCOUNT_PASSWORD_REFUSED)
    if not fits:
        raise InvalidInput(fields=(FieldProblem(field, NOT_PRESENT),))


def change_password(session: Session, *, actor: Actor, data: PasswordChange) -> None:
    """Give the actor another password; their other sessions end, this one does not.

    Raises InvalidInput for a wrong present password, or a new one that is guessed easily.
    """
    database = database_of(session)
    check_password(database, actor=actor, password=data.current_password, field="current_password")
    with database.reading() as reader:
        user = reader.get_one(User, actor.user_id)
        refuse_guessable(
            data.new_password, email=user.email, username=user.username, field="new_password"
        )
    new_hash = _hash(database, data.new_password)
    session.get_one(User, actor.user_id).password_hash = new_hash
    security_changed(
        session,
        user_id=actor.user_id,
        hospital_id=actor.tenant_id,
        kind=PASSWORD_CHANGED,
        subject_id=actor.user_id,
        because="password changed",
        keep_family=actor.family_id,
    )
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.ACCOUNT_PASSWORD_CHANGED,
        subject=("user", actor.user_id),
    )


def ask_for_reset(session: Session, *, email: str, client: Client) -> None:
    """Have a link for a new password mailed, if there is an account with this address.

    Whether there is one is looked up by the worker: here, all addresses cost the same. Raises
    Conflict where there is no mail, and TooManyRequests for too many from one client.
    """
    database = database_of(session)
    require_mail(database)
    throttle.count_attempt(
        database,
        scope="forgotten",
        subject=throttle.network_of(client.address),
        limit=database.settings.login_attempts_per_minute,
    )
    # The window is over before a link is: whoever uses up the mails leaves one that holds.
    address, window = normal_email(email), _reset_life(database) / 2
    if may_mail(database, "mail-reset", address, window=window):
        jobs.enqueue(
            session,
            kind=ANSWER_FORGOTTEN,
            payload=seal_values(database, email=address),
            idempotency_key=f"{ANSWER_FORGOTTEN}.{new_id()}",
        )


def answer_forgotten(database: Database, job: ClaimedJob, _channels: object) -> None:
    """Run one job that mails a link for a new password, where there is somebody to get it.

    Whoever signs in elsewhere, and has no password here, gets none by this.
    """
    email = open_values(database, job.payload)["email"]
    with database.unit_of_work() as session:
        user = find_user(session, email)
        if user and user.password_hash and may_sign_in(user, database.settings):
            send_reset(session, user_id=user.id, email=user.email)
        jobs.finish_job(session, job)


def send_reset(session: Session, *, user_id: UUID, email: str) -> None:
    """Mail an account the link that sets a new password."""
    life, purpose = _reset_life(database_of(session)), OneTimePurpose.RESET_PASSWORD
    send_link(session, purpose=purpose, user_id=user_id, email=email, life=life)


def make_reset_token(session: Session, *, email: str) -> str | None:
    """Return the token of a new link for the operator to hand on, where no mail is sent.

    None when there is no account with this address that may sign in.
    """
    user = find_user(session, email)
    if user is None or not may_sign_in(user, settings_of(session)):
        return None
    life, purpose = _reset_life(database_of(session)), OneTimePurpose.RESET_PASSWORD
    token_id = issue_token(session, purpose=purpose, email=user.email, life=life, user_id=user.id)
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_RESET_LINK_MADE,
        user_id=user.id,
        subject=("one_time_token", token_id),
    )
    return spell_token(settings_of(session), purpose, token_id)


def reset_password(session: Session, *, data: PasswordReset, client: Client) -> None:
    """Set a new password by a link; every session ends, and the client is known from now.

    The link proves the address as well. It signs nobody in: that is done as always, with the
    second factor where there is one. Raises NotFound for a link that does not hold, and
    InvalidInput for a password that is guessed easily, which does not use the link up.
    """
    database, purpose = database_of(session), OneTimePurpose.RESET_PASSWORD
    with database.reading() as reader:
        link = find_token(reader, purpose=purpose, token=data.token)
        found = reader.get(User, link.user_id) if link else None
        if found is None or not may_sign_in(found, database.settings):
            raise NotFound(SPENT)
        refuse_guessable(data.password, email=found.email, username=found.username)
    new_hash = _hash(database, data.password)  # before the write lock is taken
    redeem_token(session, purpose=purpose, token=data.token)
    user = session.get_one(User, found.id)
    user.password_hash = new_hash
    user.email_verified_at = user.email_verified_at or clock.now()
    remember_client(
        session,
        user_id=user.id,
        address=client.address,
        user_agent=client.user_agent,
        device=client.device,
    )
    hospital_id = get_home(session, user.id)
    security_changed(
        session,
        user_id=user.id,
        hospital_id=hospital_id,
        kind=PASSWORD_CHANGED,
        subject_id=user.id,
        because="password reset",
        keep_family=None,
    )
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_PASSWORD_RESET,
        user_id=user.id,
        hospital_id=hospital_id,
        subject=("user", user.id),
    )


def _reset_life(database: Database) -> timedelta:
    return timedelta(minutes=database.settings.reset_link_minutes)


def _hash(database: Database, password: str) -> str:
    at_once = database.settings.password_hashes_at_once
    return passwords.hash_password(password, at_once=at_once)
