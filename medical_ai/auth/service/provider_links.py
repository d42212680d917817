"""Linking an account to the identity provider, and parting them again.

Both sides are proved: the identity by signing in at the provider, the account by an ordinary
sign-in with its password. An e-mail address that is the same on both sides proves neither.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import tokens
from medical_ai.auth.models import ProviderSignIn, User
from medical_ai.auth.provider.claims import ProviderPerson
from medical_ai.auth.schemas import SignIn, Tokens
from medical_ai.auth.service.live import Client
from medical_ai.auth.service.sessions import revoke_families
from medical_ai.auth.service.sign_in import sign_in
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import database_of, integrity_as, rows_changed
from medical_ai.core.errors import Conflict, NotFound
from medical_ai.core.events import AccountNotice, publish
from medical_ai.core.ids import new_id

PROOF_TIME = timedelta(minutes=10)
SEALED = ("provider_sign_ins", "id_token_sealed")
TAKEN = "This account, or your identity at the provider, is linked to another one already."
OVER = "This took too long. Begin again with the identity provider."
ONLY_WAY = "Choose a password first: without the provider you could not sign in any more."
UNLINKED = "This account is not linked."


@dataclass(frozen=True, slots=True)
class Proof:
    """Somebody from the provider who has yet to prove that an account here is theirs."""

    id: UUID
    email: str
    account_email: str


@dataclass(frozen=True, slots=True)
class Link:
    """What the settings page says of an account and the provider."""

    is_linked: bool
    has_password: bool


def await_proof(session: Session, *, actor: Actor, person: ProviderPerson, id_token: str) -> Proof:
    """Let the actor link their identity at the provider, once they have proved to be who they are.

    Raises Conflict where either is linked already, or the account has no password to prove it by.
    """
    user = session.get_one(User, actor.user_id)
    taken = user.auth0_user_id is not None or find_by_subject(session, person.subject)
    if taken or not user.password_hash:
        raise Conflict(TAKEN)
    return wait_for_proof(session, user=user, person=person, id_token=id_token)


def get_proof(session: Session, proof_id: UUID | None) -> Proof:
    """Return what is waiting for a proof. Raises NotFound when it is over."""
    row = session.get(ProviderSignIn, proof_id) if proof_id else None
    if row is None or row.family_id is not None or row.expires_at <= clock.now():
        raise NotFound(OVER)
    return Proof(row.id, row.email, session.get_one(User, row.user_id).email)


def link_after_proof(
    session: Session, *, proof_id: UUID | None, password: str, otp: str | None, client: Client
) -> Tokens:
    """Link an account to the identity that waits for it, and sign in; other sessions end.

    The proof is an ordinary sign-in, second factor and limits included. Raises what that raises,
    NotFound when it is too late, and Conflict when either is linked by now.
    """
    with database_of(session).reading() as reader:  # signing in counts attempts on its own
        proof = get_proof(reader, proof_id)
    data = SignIn(email=proof.account_email, password=password, otp=otp)
    granted = sign_in(session, data=data, client=client)
    family_id = tokens.family_of(granted.access_token)
    row = session.get_one(ProviderSignIn, proof.id)
    if granted.user.id != row.user_id:  # the address has become somebody else's meanwhile
        raise Conflict(TAKEN)
    with integrity_as(session, Conflict(TAKEN)):
        linked = rows_changed(
            session,
            update(User)
            .where(User.id == row.user_id, User.auth0_user_id.is_(None))
            .values(auth0_user_id=row.subject),
        )
    if linked != 1:
        raise Conflict(TAKEN)
    row.family_id = family_id
    _tell(session, row.user_id, granted.user.hospital.id, AuditTag.PROVIDER_LINKED, keep=family_id)
    return granted


def unlink(session: Session, *, actor: Actor) -> None:
    """Part the actor's account from the provider; their other sessions end.

    Raises Conflict where no password would be left to sign in with, or nothing is linked.
    """
    user = session.get_one(User, actor.user_id)
    if user.auth0_user_id is None or not user.password_hash:
        raise Conflict(ONLY_WAY if user.auth0_user_id else UNLINKED)
    user.auth0_user_id = None
    session.flush()
    rows_changed(session, delete(ProviderSignIn).where(ProviderSignIn.user_id == user.id))
    _tell(session, user.id, actor.tenant_id, AuditTag.PROVIDER_UNLINKED, keep=actor.family_id)


def get_link(session: Session, *, actor: Actor) -> Link:
    """Return how the actor's account stands to the provider."""
    user = session.get_one(User, actor.user_id)
    return Link(user.auth0_user_id is not None, bool(user.password_hash))


def delete_unproved(session: Session) -> int:
    """Forget sign-ins at the provider that nobody finished; return how many."""
    waiting = ProviderSignIn.family_id.is_(None)
    return rows_changed(
        session, delete(ProviderSignIn).where(waiting, ProviderSignIn.expires_at < clock.now())
    )


def find_by_subject(session: Session, subject: str) -> User | None:
    """Return the account that is linked to this identity at the provider."""
    return session.scalar(select(User).where(User.auth0_user_id == subject))


def wait_for_proof(session: Session, *, user: User, person: ProviderPerson, id_token: str) -> Proof:
    """Keep who came from the provider until they have proved that the account is theirs."""
    row = keep_sign_in(session, user=user, person=person, id_token=id_token, family_id=None)
    return Proof(row.id, person.email, user.email)


def keep_sign_in(
    session: Session,
    *,
    user: User,
    person: ProviderPerson,
    id_token: str,
    family_id: UUID | None,
) -> ProviderSignIn:
    """Keep a sign-in at the provider: of a session of ours, or waiting for a proof."""
    row_id = new_id()
    row = ProviderSignIn(
        id=row_id,
        user_id=user.id,
        family_id=family_id,
        subject=person.subject,
        email=person.email,
        id_token_sealed=database_of(session).keyring.seal_text(id_token, *SEALED, row_id),
        expires_at=clock.now() + PROOF_TIME,
    )
    session.add(row)
    session.flush()
    return row


def _tell(
    session: Session, user_id: UUID, hospital_id: UUID, tag: AuditTag, *, keep: UUID | None
) -> None:
    what = tag.value.rpartition(":")[2]  # linked, or unlinked
    revoke_families(session, user_id=user_id, because=f"provider {what}", keep=keep)
    subject = ("user", user_id)
    audit.record(session, tag=tag, user_id=user_id, hospital_id=hospital_id, subject=subject)
    publish(session, AccountNotice(user_id, hospital_id, f"provider-{what}", new_id()))
