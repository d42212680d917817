"""Personal access tokens: made, listed, revoked, and recognised when a program comes with one."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.lifetimes import NOTED_AT_MOST_EVERY
from medical_ai.auth.models import Membership, PersonalToken, User
from medical_ai.auth.personal_tokens import SCOPES, hash_of, is_reading, new_token
from medical_ai.auth.schemas import PersonalTokenCreate, PersonalTokenMade, PersonalTokenRead
from medical_ai.auth.service.live import Client, LiveAccount, account_without_session, may_sign_in
from medical_ai.auth.service.recent import has_second_factor
from medical_ai.auth.service.role_permissions import GRANTED, within_ceiling
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import rows_changed, settings_of
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from medical_ai.core.events import AccountNotice, publish
from medical_ai.core.ids import new_id
from medical_ai.core.zones import zone_of

TOKEN_CREATED = "token-created"  # noqa: S105 - a notice's name
ENDED_KEPT = timedelta(days=30)

# Asked on every request of a program, so it is built once.
_BEARER = (
    select(
        PersonalToken,
        User,
        Membership.role,
        GRANTED.label("granted"),
        has_second_factor().label("has_second_factor"),
    )
    .join(User, User.id == PersonalToken.user_id)
    .join(
        Membership,
        (Membership.user_id == User.id) & (Membership.hospital_id == PersonalToken.hospital_id),
    )
    .where(
        PersonalToken.token_hash == bindparam("token_hash"),
        PersonalToken.expires_at > bindparam("now"),
        PersonalToken.revoked_at.is_(None),
        User.suspended_at.is_(None),
        Membership.suspended_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Somebody's program that came with a token that holds."""

    actor: Actor
    account: LiveAccount
    token_id: UUID
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None

    def wants_note(self, now: datetime) -> bool:
        """Tell whether a use at this moment is to be noted."""
        return self.last_used_at is None or now - self.last_used_at >= NOTED_AT_MOST_EVERY


def find_bearer(session: Session, *, text: str) -> Bearer | None:
    """Return who comes with a token; None where it does not hold, whatever the reason.

    It is found by its hash, so no comparison of secrets tells by its time how much was right. It
    may do what its scopes and the present role both allow.
    """
    token_hash = hash_of(text)
    if token_hash is None:
        return None
    asked = {"token_hash": token_hash, "now": clock.now()}
    row = session.execute(_BEARER, asked).one_or_none()
    if row is None or not may_sign_in(row[1], settings_of(session)):
        return None
    token, user, role, granted, has_factor = row
    held = within_ceiling(role, (granted or "").split(","))
    actor = Actor(
        user_id=user.id,
        tenant_id=token.hospital_id,
        role=role.value,
        permissions=held & set(token.scopes.split()) & set(SCOPES),
        username=user.username,
        via="token",
    )
    account = account_without_session(
        session,
        user=user,
        role=role,
        hospital_id=token.hospital_id,
        held=held,
        has_factor=has_factor,
    )
    return Bearer(actor, account, token.id, token.created_at, token.expires_at, token.last_used_at)


def note_token_use(
    session: Session, *, token_id: UUID, seen_at: datetime | None, client: Client
) -> None:
    """Note that a token is in use at this moment, and from where.

    `seen_at` is the use noted before: of many requests at once the first one writes.
    """
    rows_changed(
        session,
        update(PersonalToken)
        .where(
            PersonalToken.id == token_id, PersonalToken.last_used_at.is_not_distinct_from(seen_at)
        )
        .values(last_used_at=clock.now(), last_address=client.address[:45]),
    )


def offered_scopes(actor: Actor) -> dict[str, str]:
    """Return the permissions that a token of the actor's may carry, each in plain words."""
    return {one.value: words for one, words in SCOPES.items() if actor.may(one)}


def default_scopes(actor: Actor) -> list[str]:
    """Return those of them that only read."""
    return [scope for scope in offered_scopes(actor) if is_reading(scope)]


def last_day(session: Session, zone: str) -> date:
    """Return the latest day that a token made today may work on."""
    longest = timedelta(days=settings_of(session).personal_token_max_days)
    return (clock.now().astimezone(zone_of(zone)) + longest).date()


def make_token(
    session: Session, *, actor: Actor, zone: str, data: PersonalTokenCreate
) -> PersonalTokenMade:
    """Make a token for the actor in the hospital of their session, and tell them by a notice.

    `zone` is where the day of its end is counted. Its text is in what is returned and nowhere
    else. Raises InvalidInput for a day or a scope that is not theirs to choose, and Conflict where
    they have as many as one may have.
    """
    scopes = _chosen_scopes(actor, data)
    expires_at = _end_of(session, data.expires_on, zone)
    _require_room(session, actor)
    text = new_token()
    token = PersonalToken(
        id=new_id(),
        user_id=actor.user_id,
        hospital_id=actor.tenant_id,
        name=data.name,
        token_hash=hash_of(text),
        scopes=" ".join(scopes),
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.PERSONAL_TOKEN_CREATED,
        subject=("access_token", token.id),
        details={"scopes": scopes},
    )
    publish(session, AccountNotice(actor.user_id, actor.tenant_id, TOKEN_CREATED, token.id))
    return PersonalTokenMade(**_read(token).model_dump(), token=text)


def list_tokens(session: Session, *, actor: Actor) -> list[PersonalTokenRead]:
    """Return the actor's tokens in their hospital, the newest first; revoked ones are gone."""
    found = session.scalars(
        select(PersonalToken)
        .where(
            PersonalToken.user_id == actor.user_id,
            PersonalToken.hospital_id == actor.tenant_id,
            PersonalToken.revoked_at.is_(None),
        )
        .order_by(PersonalToken.created_at.desc(), PersonalToken.id.desc())
    )
    return [_read(token) for token in found]


def revoke_token(session: Session, *, actor: Actor, token_id: UUID) -> None:
    """Revoke one of the actor's own tokens; its next request is refused.

    Raises NotFound for somebody else's, for one that was revoked, and for one that never was.
    """
    revoked = rows_changed(
        session,
        update(PersonalToken)
        .where(
            PersonalToken.id == token_id,
            PersonalToken.user_id == actor.user_id,
            PersonalToken.hospital_id == actor.tenant_id,
            PersonalToken.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now(), revoked_because="revoked by owner"),
    )
    if revoked != 1:
        raise NotFound
    audit.record(
        session,
        actor=actor,
        tag=AuditTag.PERSONAL_TOKEN_REVOKED,
        subject=("access_token", token_id),
    )


def delete_ended_tokens(session: Session) -> int:
    """Forget tokens that ended a month ago; the audit log keeps that there were such."""
    before = clock.now() - ENDED_KEPT
    is_old = (PersonalToken.expires_at < before) | (PersonalToken.revoked_at < before)
    return rows_changed(session, delete(PersonalToken).where(is_old))


def _chosen_scopes(actor: Actor, data: PersonalTokenCreate) -> list[str]:
    if data.scopes is None:
        return default_scopes(actor)
    offered = offered_scopes(actor)
    if not offered.keys() >= set(data.scopes):
        message = "Your role has no such permission to give to a token."
        raise InvalidInput(fields=(FieldProblem("scopes", message),))
    return [scope for scope in offered if scope in data.scopes]


def _end_of(session: Session, day: date, zone: str) -> datetime:
    latest = last_day(session, zone)
    today = clock.now().astimezone(zone_of(zone)).date()
    if not today <= day <= latest:
        message = f"Choose a day from today to {latest:%-d %B %Y}."
        raise InvalidInput(fields=(FieldProblem("expires_on", message),))
    return datetime.combine(day, time.max, zone_of(zone)).astimezone(UTC)


def _require_room(session: Session, actor: Actor) -> None:
    # The account's row is held, so that two requests at once cannot both take the last place.
    session.scalar(select(User.id).where(User.id == actor.user_id).with_for_update())
    count = session.scalar(
        select(func.count(PersonalToken.id)).where(
            PersonalToken.user_id == actor.user_id,
            PersonalToken.revoked_at.is_(None),
            PersonalToken.expires_at > clock.now(),
        )
    )
    most = settings_of(session).personal_tokens_per_person
    if (count or 0) >= most:
        raise Conflict(f"You have {most} tokens, and that is the most. Revoke one first.")


def _read(token: PersonalToken) -> PersonalTokenRead:
    return PersonalTokenRead(
        id=token.id,
        name=token.name,
        scopes=token.scopes.split(),
        created_at=token.created_at,
        expires_at=token.expires_at,
        is_expired=token.expires_at <= clock.now(),
        last_used_at=token.last_used_at,
        last_used_from=token.last_address,
    )
