"""What was begun and must be finished soon, once, by whoever began it.

The database decides who finishes: using a challenge is one conditional update. Its content is
sealed for its own row.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from medical_ai.auth.models import AuthChallenge
from medical_ai.auth.purposes import ChallengePurpose
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.crypto import place
from medical_ai.core.database import database_of, rows_changed
from medical_ai.core.ids import new_id

LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ChallengeRef:
    """A challenge that holds, or was just used."""

    id: UUID
    user_id: UUID | None
    content: bytes


def begin(
    session: Session,
    *,
    purpose: ChallengePurpose,
    content: bytes,
    user_id: UUID | None = None,
    family_id: UUID | None = None,
    life: timedelta = LIFE,
) -> UUID:
    """Begin something and return its id; what the same session began before is dropped."""
    now, challenge_id = clock.now(), new_id()
    if family_id is not None:
        earlier = update(AuthChallenge).where(
            AuthChallenge.purpose == purpose,
            AuthChallenge.family_id == family_id,
            AuthChallenge.used_at.is_(None),
        )
        rows_changed(session, earlier.values(used_at=now))
    ring = database_of(session).keyring
    session.add(
        AuthChallenge(
            id=challenge_id,
            purpose=purpose,
            user_id=user_id,
            family_id=family_id,
            content_sealed=ring.seal(content, _place(challenge_id)),
            expires_at=now + life,
        )
    )
    session.flush()
    return challenge_id


def find(
    session: Session, *, purpose: ChallengePurpose, challenge_id: UUID | None
) -> ChallengeRef | None:
    """Return what a browser began, while it holds, without using it."""
    return _find(session, purpose, AuthChallenge.id == challenge_id)


def find_of(session: Session, *, purpose: ChallengePurpose, actor: Actor) -> ChallengeRef | None:
    """Return what this very account began in this very session, while it holds."""
    return _find(
        session,
        purpose,
        AuthChallenge.user_id == actor.user_id,
        AuthChallenge.family_id == actor.family_id,
    )


def use(session: Session, challenge: ChallengeRef | None) -> ChallengeRef | None:
    """Use a challenge up; None when it does not hold or somebody else was first."""
    if challenge is None:
        return None
    unused = update(AuthChallenge).where(
        AuthChallenge.id == challenge.id, AuthChallenge.used_at.is_(None)
    )
    return challenge if rows_changed(session, unused.values(used_at=clock.now())) == 1 else None


def _find(
    session: Session, purpose: ChallengePurpose, *whose: ColumnElement[bool]
) -> ChallengeRef | None:
    row = session.scalar(
        select(AuthChallenge)
        .where(
            AuthChallenge.purpose == purpose,
            AuthChallenge.used_at.is_(None),
            AuthChallenge.expires_at > clock.now(),
            *whose,
        )
        .order_by(AuthChallenge.id.desc())
        .limit(1)
    )
    if row is None:
        return None
    content = database_of(session).keyring.open(row.content_sealed, _place(row.id))
    return ChallengeRef(row.id, row.user_id, content)


def _place(challenge_id: UUID) -> bytes:
    return place(AuthChallenge.__tablename__, "content_sealed", challenge_id)
