"""Sessions: listed, kept fresh, and ended by their owner, by the operator or by the clock."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.client_words import device_of
from medical_ai.auth.lifetimes import Lifetime, limits_of
from medical_ai.auth.models import Membership, TokenFamily, User
from medical_ai.auth.permissions import Role
from medical_ai.auth.places import place_of
from medical_ai.auth.schemas import SessionRead
from medical_ai.auth.service.accounts import normal_email
from medical_ai.auth.service.live import Client
from medical_ai.auth.service.sessions import end_by_itself, revoke_families, revoke_family
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import NotFound

MOST_LISTED = 200
ENDED_AT_ONCE = 200
BY_OWNER, BY_OPERATOR = "revoked by owner", "revoked by operator"

_WITH_ROLE = (Membership.user_id == TokenFamily.user_id) & (
    Membership.hospital_id == TokenFamily.hospital_id
)


def list_sessions(session: Session, *, actor: Actor) -> list[SessionRead]:
    """Return the actor's live sessions in every hospital, the one that is used last first."""
    rows = session.execute(
        select(TokenFamily, Membership.role)
        .join(Membership, _WITH_ROLE)
        .where(TokenFamily.user_id == actor.user_id, TokenFamily.revoked_at.is_(None))
        .order_by(TokenFamily.last_seen_at.desc())
        .limit(MOST_LISTED)
    )
    settings, now = settings_of(session), clock.now()
    found = []
    for family, role in rows:
        life = Lifetime(family.created_at, family.last_seen_at, limits_of(settings, role))
        if not life.end_reason(now):
            found.append(
                SessionRead(
                    id=family.id,
                    device=device_of(family.user_agent),
                    place=place_of(settings, family.address),
                    address=family.address,
                    signed_in_at=life.signed_in_at,
                    last_seen_at=life.last_seen_at,
                    ends_at=min(life.idle_at, life.over_at),
                    is_current=family.id == actor.family_id,
                )
            )
    return found


def revoke_session(session: Session, *, actor: Actor, session_id: UUID) -> None:
    """End one of the actor's own sessions; its next request is refused.

    Raises NotFound for somebody else's, for one that has ended, and for one that never was.
    """
    family = session.scalar(
        select(TokenFamily).where(
            TokenFamily.id == session_id, TokenFamily.user_id == actor.user_id
        )
    )
    if family is None or not revoke_family(session, session_id, BY_OWNER):
        raise NotFound
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.SESSION_REVOKED,
        subject=("token_family", session_id),
    )


def revoke_other_sessions(session: Session, *, actor: Actor) -> int:
    """End all of the actor's sessions but the one they ask with; return how many."""
    ended = revoke_families(
        session,
        user_id=actor.user_id,
        because=BY_OWNER,
        keep=actor.family_id,
        with_tokens=False,
    )
    audit.record(session, actor=actor, tag=AuditTag.SESSION_REVOKED, details={"others": ended})
    return ended


def end_sessions_of(session: Session, *, email: str | None) -> int:
    """End the sessions and tokens of an account, or of everybody; return how many sessions.

    For whoever runs the installation. Raises NotFound where nobody has this address.
    """
    query = select(User.id)
    if email is not None:
        query = query.where(User.email == normal_email(email))
    users = session.scalars(query).all()
    if email is not None and not users:
        raise NotFound("There is no account with this e-mail address.")
    ended = 0
    for user_id in users:
        of_one = revoke_families(session, user_id=user_id, because=BY_OPERATOR)
        details = {"because": BY_OPERATOR, "ended": of_one}
        audit.record(session, user_id=user_id, tag=AuditTag.SESSION_REVOKED, details=details)
        ended += of_one
    return ended


def note_use(session: Session, *, family_id: UUID, seen_at: datetime, client: Client) -> None:
    """Note that a session is in use at this moment, and from where.

    `seen_at` is the use noted before: of many requests at once the first one writes.
    """
    rows_changed(
        session,
        update(TokenFamily)
        .where(
            TokenFamily.id == family_id,
            TokenFamily.last_seen_at == seen_at,
            TokenFamily.revoked_at.is_(None),
        )
        .values(last_seen_at=clock.now(), address=client.address[:45]),
    )


def end_overdue(session: Session) -> int:
    """End sessions that are past their time, so that the log says when and why."""
    settings, now = settings_of(session), clock.now()
    overdue = []
    for role in Role:
        limits = limits_of(settings, role)
        is_past = or_(
            TokenFamily.last_seen_at <= now - limits.idle,
            TokenFamily.created_at <= now - limits.absolute,
        )
        overdue.append((Membership.role == role) & is_past)
    rows = session.execute(
        select(TokenFamily, Membership.role)
        .join(Membership, _WITH_ROLE)
        .where(TokenFamily.revoked_at.is_(None), or_(*overdue))
        .limit(ENDED_AT_ONCE)
    ).all()
    for family, role in rows:
        life = Lifetime(family.created_at, family.last_seen_at, limits_of(settings, role))
        end_by_itself(session, family, life.end_reason(now))
    return len(rows)
