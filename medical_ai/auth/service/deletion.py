"""Deleting an account: asked for, called off, and done when the time for second thoughts is over.

What hangs on the account in other packages is erased by `ops.erasure`, in the same transaction.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import (
    AuthChallenge,
    DeletionReceipt,
    KnownClient,
    Membership,
    OneTimeToken,
    Passkey,
    PersonalToken,
    ProviderSignIn,
    RecoveryCode,
    StaffInvitation,
    TokenFamily,
    TotpFactor,
    User,
)
from medical_ai.auth.service.administrators import (
    hold_administrators,
    is_last_administrator,
    list_administered,
)
from medical_ai.auth.service.sessions import revoke_families
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import place
from medical_ai.core.database import database_of, rows_changed, settings_of
from medical_ai.core.errors import Conflict, NotFound
from medical_ai.core.events import AccountNotice, publish
from medical_ai.core.ids import new_id

AT_ONCE = 20
ADDRESS_KEPT = timedelta(days=7)
NUMBER_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # pragma: allowlist secret - an alphabet
NUMBER_GROUPS, NUMBER_GROUP = 4, 4
WAYS_IN = (
    ProviderSignIn,
    AuthChallenge,
    PersonalToken,
    TotpFactor,
    RecoveryCode,
    Passkey,
    KnownClient,
)
"""What opens an account, or knows who opened it; each has a `user_id`."""
LAST_ADMINISTRATOR = "You are the last administrator of a hospital. Make somebody else one first."


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion that was asked for and can be called off until `due_at`."""

    asked_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of one deletion, and where it is still to be sent."""

    id: UUID
    number: str
    done_at: datetime
    email: str | None


def find_deletion(session: Session, *, actor: Actor) -> Deletion | None:
    """Return the actor's deletion that is under way, if there is one."""
    row = session.execute(
        select(User.deletion_asked_at, User.deletion_due_at).where(User.id == actor.user_id)
    ).one_or_none()
    if row is None or row.deletion_asked_at is None or row.deletion_due_at is None:
        return None
    return Deletion(row.deletion_asked_at, row.deletion_due_at)


def request_deletion(session: Session, *, actor: Actor) -> Deletion:
    """Delete the actor's account when the days for second thoughts are over; until then all works.

    Asking twice moves nothing. Raises Conflict for the last administrator of a hospital. The
    caller has proved the password.
    """
    places = list_administered(session, actor.user_id)
    hold_administrators(session, [place.hospital_id for place in places])
    user = session.get_one(User, actor.user_id, with_for_update=True)
    if user.deletion_asked_at is None or user.deletion_due_at is None:
        _refuse_last_administrator(session, places)
        now = clock.now()
        user.deletion_asked_at = now
        user.deletion_due_at = now + timedelta(days=settings_of(session).account_deletion_days)
        session.flush()
        revoke_families(session, user_id=user.id, because="deletion asked", keep=actor.family_id)
        _tell(session, actor, "deletion-asked")
        audit.record(
            session,
            tag=AuditTag.ACCOUNT_DELETION_ASKED,
            actor=actor,
            subject=("user", actor.user_id),
        )
    return Deletion(user.deletion_asked_at, user.deletion_due_at)


def cancel_deletion(session: Session, *, actor: Actor) -> None:
    """Call the deletion of the actor's account off. Raises NotFound where none is under way."""
    user = session.get_one(User, actor.user_id, with_for_update=True)
    if user.deletion_due_at is None:
        raise NotFound("Your account is not about to be deleted.")
    user.deletion_asked_at = user.deletion_due_at = None
    session.flush()
    _tell(session, actor, "deletion-cancelled")
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_DELETION_CANCELLED,
        actor=actor,
        subject=("user", actor.user_id),
    )


def list_due_deletions(session: Session) -> list[UUID]:
    """Return the accounts to be deleted now, locked where the database can, the oldest first."""
    due = (
        select(User.id)
        .where(User.deletion_due_at <= clock.now(), User.deleted_at.is_(None))
        .order_by(User.deletion_due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)  # where the database has it; SQLite has one writer
    )
    return list(session.scalars(due))


def erase_account(session: Session, *, user_id: UUID, destroyed: dict[str, Any]) -> Receipt | None:
    """Take everything about a person out of an account and write the receipt.

    `destroyed` says what else went, as counts and fingerprints. Returns None where the account
    was erased already, or its owner thought better of it meanwhile.
    """
    user = session.get_one(User, user_id)
    email, asked_at = user.email, user.deletion_asked_at
    gone = update(User).where(
        User.id == user_id, User.deleted_at.is_(None), User.deletion_due_at <= clock.now()
    )
    now = clock.now()
    changed = rows_changed(
        session,
        gone.values(
            email=f"{user_id}@deleted.invalid",  # RFC 2606: nobody will ever have it
            username="",
            password_hash="",
            auth0_user_id=None,
            passkey_handle=None,
            email_verified_at=None,
            timezone="UTC",
            is_demo=False,
            suspended_at=now,
            deletion_due_at=None,
            deleted_at=now,
        ),
    )
    if changed != 1:
        return None
    session.expire(user)
    for table in WAYS_IN:
        rows_changed(session, delete(table).where(table.user_id == user_id))
    rows_changed(session, delete(StaffInvitation).where(StaffInvitation.email == email))
    sessions = rows_changed(session, delete(TokenFamily).where(TokenFamily.user_id == user_id))
    links = or_(OneTimeToken.user_id == user_id, OneTimeToken.email == email)
    rows_changed(session, delete(OneTimeToken).where(links))
    places = rows_changed(session, delete(Membership).where(Membership.user_id == user_id))
    counted = {"sessions": sessions, "memberships": places}
    return _write_receipt(session, email, asked_at or now, destroyed | counted)


def get_receipt_day(session: Session, *, number: str) -> datetime:
    """Return when the deletion with this number was done. Raises NotFound."""
    done_at = session.scalar(
        select(DeletionReceipt.done_at).where(DeletionReceipt.number == number)
    )
    if done_at is None:
        raise NotFound("There is no deletion with this number.")
    return done_at


def find_receipt_to_send(session: Session, receipt_id: UUID) -> Receipt | None:
    """Return a receipt whose address is still known."""
    row = session.get(DeletionReceipt, receipt_id)
    if row is None or row.email_sealed is None:
        return None
    email = database_of(session).keyring.open_text(
        row.email_sealed, "deletion_receipts", "email", row.id
    )
    return Receipt(row.id, row.number, row.done_at, email)


def forget_address(session: Session, receipt_id: UUID) -> None:
    """Forget where a receipt went."""
    sent = update(DeletionReceipt).where(DeletionReceipt.id == receipt_id)
    rows_changed(session, sent.values(email_sealed=None))


def forget_old_addresses(session: Session) -> int:
    """Forget the addresses of receipts that could not be sent in a week; return how many."""
    old = update(DeletionReceipt).where(
        DeletionReceipt.email_sealed.is_not(None),
        DeletionReceipt.done_at < clock.now() - ADDRESS_KEPT,
    )
    return rows_changed(session, old.values(email_sealed=None))


def _write_receipt(
    session: Session, email: str, asked_at: datetime, details: dict[str, Any]
) -> Receipt:
    receipt_id, sealed = new_id(), None
    if settings_of(session).smtp_host:
        where = place("deletion_receipts", "email", receipt_id)
        sealed = database_of(session).keyring.seal(email.encode(), where)
    row = DeletionReceipt(
        id=receipt_id,
        number=_new_number(),
        asked_at=asked_at,
        done_at=clock.now(),
        details=details,
        email_sealed=sealed,
    )
    session.add(row)
    session.flush()
    return Receipt(row.id, row.number, row.done_at, email if sealed else None)


def _new_number() -> str:
    groups = (
        "".join(secrets.choice(NUMBER_LETTERS) for _ in range(NUMBER_GROUP))
        for _ in range(NUMBER_GROUPS)
    )
    return "-".join(groups)


def _refuse_last_administrator(session: Session, places: list[Membership]) -> None:
    if any(is_last_administrator(session, place) for place in places):
        raise Conflict(LAST_ADMINISTRATOR)


def _tell(session: Session, actor: Actor, kind: str) -> None:
    publish(session, AccountNotice(actor.user_id, actor.tenant_id, kind, actor.user_id))
