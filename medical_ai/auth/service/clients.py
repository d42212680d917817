"""Which devices and networks an account is known to be used from."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Executable, delete, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from medical_ai.auth.devices import device_of, network_of
from medical_ai.auth.models import KnownClient, TokenFamily
from medical_ai.core import clock
from medical_ai.core.database import database_of, rows_changed
from medical_ai.core.events import AccountNotice, publish

NEW_SIGN_IN = "new-sign-in"
KNOWN_FOR = timedelta(days=365)


def greet_client(session: Session, family: TokenFamily) -> None:
    """Remember where a sign-in came from, and tell the owner of the account if that is new.

    New is a kind of device, or a network, that the account was not used from in a year. The first
    sign-in of all is not told.
    """
    user_id = family.user_id
    traits = {device_of(family.user_agent), network_of(family.address)}
    known = set(session.scalars(select(KnownClient.trait).where(KnownClient.user_id == user_id)))
    for trait in sorted(traits):
        session.execute(_seen(session, user_id, trait))
    if known and not traits <= known:
        publish(session, AccountNotice(user_id, family.hospital_id, NEW_SIGN_IN, family.id))


def forget_old_clients(session: Session) -> int:
    """Forget devices and networks that were not used for a year."""
    oldest = clock.now() - KNOWN_FOR
    return rows_changed(session, delete(KnownClient).where(KnownClient.last_seen_at < oldest))


def _seen(session: Session, user_id: UUID, trait: str) -> Executable:
    # One statement: two sign-ins of the same moment must not meet in a broken constraint.
    now = clock.now()
    values = {"user_id": user_id, "trait": trait, "last_seen_at": now}
    if database_of(session).is_sqlite:
        seen = sqlite.insert(KnownClient).values(values)
        return seen.on_conflict_do_update(set_={"last_seen_at": now})
    return mysql.insert(KnownClient).values(values).on_duplicate_key_update(last_seen_at=now)
