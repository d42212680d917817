"""Secret links: made for one purpose, sent by mail, used once, and not for long.

A token is the id of its row and a MAC of that under SECRET_KEY, so that the worker that sends the
mail can spell it again and the outbox holds nothing secret. The row keeps a hash alone.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from medical_ai.auth.models import OneTimeToken
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import NotFound
from medical_ai.core.ids import new_id
from medical_ai.jobs import service as jobs

SEND_LINK = "link.send"
MAC_BYTES = 24
KEPT = timedelta(days=30)
SPENT = "This link has been used, or is too old. Ask for a new one."


@dataclass(frozen=True, slots=True)
class OneTimeRef:
    """A link that holds, or held: whose it is and what it is about."""

    id: UUID
    purpose: OneTimePurpose
    user_id: UUID | None
    subject_id: UUID | None
    email: str
    expires_at: datetime


def issue_token(
    session: Session,
    *,
    purpose: OneTimePurpose,
    email: str,
    life: timedelta,
    user_id: UUID | None = None,
    subject_id: UUID | None = None,
) -> UUID:
    """Make a link and return the id of its row; earlier ones like it are worth nothing from now."""
    now = clock.now()
    same = (
        OneTimeToken.purpose == purpose,
        OneTimeToken.user_id == user_id,
        OneTimeToken.subject_id == subject_id,
        OneTimeToken.used_at.is_(None),
    )
    rows_changed(session, update(OneTimeToken).where(*same).values(used_at=now))
    token_id = new_id()
    session.add(
        OneTimeToken(
            id=token_id,
            purpose=purpose,
            user_id=user_id,
            subject_id=subject_id,
            email=email,
            token_hash=_hash(spell_token(settings_of(session), purpose, token_id)),
            expires_at=now + life,
        )
    )
    session.flush()
    return token_id


def mail_token(session: Session, token_id: UUID) -> bool:
    """Send a link by mail; False where no mail server is configured."""
    if not settings_of(session).smtp_host:
        return False
    jobs.enqueue(
        session,
        kind=SEND_LINK,
        payload={"one_time_id": str(token_id)},
        idempotency_key=f"link.{token_id}",
    )
    return True


def spell_token(settings: Settings, purpose: OneTimePurpose, token_id: UUID) -> str:
    """Return the token itself, to be put into a link and nowhere else."""
    key = settings.secret_key.get_secret_value().encode()
    mac = hmac.digest(key, f"one-time:{purpose}:{token_id}".encode(), "sha256")[:MAC_BYTES]
    return base64.urlsafe_b64encode(token_id.bytes + mac).decode().rstrip("=")


def find_token(session: Session, *, purpose: OneTimePurpose, token: str) -> OneTimeRef | None:
    """Return what a link is about while it holds, without using it."""
    row = session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.token_hash == _hash(token),
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > clock.now(),
        )
    )
    return _ref(row) if row else None


def redeem_token(session: Session, *, purpose: OneTimePurpose, token: str) -> OneTimeRef:
    """Use a link up and return what it is about. Raises NotFound when it does not hold."""
    found = find_token(session, purpose=purpose, token=token)
    # The database decides who used it first.
    spent = update(OneTimeToken).where(
        OneTimeToken.id == (found.id if found else None), OneTimeToken.used_at.is_(None)
    )
    if found is None or rows_changed(session, spent.values(used_at=clock.now())) != 1:
        raise NotFound(SPENT)
    return found


def void_tokens(session: Session, *, user_id: UUID, purposes: Collection[OneTimePurpose]) -> None:
    """Make an account's links for these purposes worth nothing from now."""
    rows_changed(
        session,
        update(OneTimeToken)
        .where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose.in_(purposes),
            OneTimeToken.used_at.is_(None),
        )
        .values(used_at=clock.now()),
    )


def get_token_to_send(session: Session, token_id: UUID) -> OneTimeRef | None:
    """Return a link that is still to be sent; None when it was used or is over."""
    row = session.get(OneTimeToken, token_id)
    if row is None or row.used_at is not None or row.expires_at <= clock.now():
        return None
    return _ref(row)


def delete_old_tokens(session: Session) -> int:
    """Forget links that were over long ago; return how many."""
    return rows_changed(
        session, delete(OneTimeToken).where(OneTimeToken.expires_at < clock.now() - KEPT)
    )


def _hash(token: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    return hashlib.sha256(b"one-time:" + raw).hexdigest()


def _ref(row: OneTimeToken) -> OneTimeRef:
    return OneTimeRef(row.id, row.purpose, row.user_id, row.subject_id, row.email, row.expires_at)
