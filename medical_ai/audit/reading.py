"""Reading the log, newest first. Who may read what is decided by those who ask."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import MARKED_OUTCOMES, Outcome

ACTORS_MAX = 50


@dataclass(frozen=True, slots=True)
class EventRef:
    """An event of the log."""

    id: UUID
    at: datetime
    tag: str
    hospital_id: UUID | None
    actor_user_id: UUID | None
    actor_role: str
    via: str
    address: str
    basis: str
    patient_id: UUID | None
    subject_kind: str
    subject_id: UUID | None
    request_id: str
    details: dict[str, Any]

    @property
    def resource(self) -> str:
        """Return which part of a record it was about, as far as the event says."""
        permission = str(self.details.get("permission", ""))
        return str(self.details.get("resource") or permission.partition(":")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events; what is None does not matter.

    `others_than` leaves out the doings of one person and of the house itself; `cursor` is the id
    of the last event seen.
    """

    patient_id: UUID | None = None
    hospital_id: UUID | None = None
    actor_user_id: UUID | None = None
    others_than: UUID | None = None
    resource: str | None = None
    tag: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: UUID | None = None
    limit: int = 50


def list_events(session: Session, wanted: Wanted) -> tuple[list[EventRef], str | None]:
    """Return a page of events, the newest first, and the cursor of the next page."""
    query = select(AuditEvent).where(*_conditions(wanted)).order_by(AuditEvent.id.desc())
    found = [_ref(one) for one in session.scalars(query.limit(wanted.limit + 1))]
    page = found[: wanted.limit]
    return page, str(page[-1].id) if len(found) > wanted.limit else None


def list_actor_ids(session: Session, *, patient_id: UUID, since: datetime) -> list[UUID]:
    """Return who dealt with a patient's record, those who did so last first."""
    rows = session.execute(
        select(AuditEvent.actor_user_id, func.max(AuditEvent.at).label("last_at"))
        .where(
            AuditEvent.patient_id == patient_id,
            AuditEvent.at >= since,
            AuditEvent.actor_user_id.is_not(None),
        )
        .group_by(AuditEvent.actor_user_id)
        .order_by(func.max(AuditEvent.at).desc())
        .limit(ACTORS_MAX)
    )
    return [row.actor_user_id for row in rows]


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    event, found = AuditEvent, []
    for column, value in (
        (event.patient_id, wanted.patient_id),
        (event.hospital_id, wanted.hospital_id),
        (event.actor_user_id, wanted.actor_user_id),
        (event.tag, wanted.tag),
    ):
        if value is not None:
            found.append(column == value)
    if wanted.since is not None:
        found.append(event.at >= wanted.since)
    if wanted.until is not None:
        found.append(event.at < wanted.until)
    if wanted.cursor is not None:
        found.append(event.id < wanted.cursor)
    return [*found, *_shaped(wanted)]


def _shaped(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.others_than is not None:
        found.append(AuditEvent.actor_user_id != wanted.others_than)  # NULL is the house: left out
    if wanted.resource is not None:
        found.append(_is_about(wanted.resource))
    if wanted.outcome is Outcome.DONE:
        found.extend(~AuditEvent.tag.endswith(ending) for ending in MARKED_OUTCOMES.values())
    elif wanted.outcome is not None:
        found.append(AuditEvent.tag.endswith(MARKED_OUTCOMES[wanted.outcome]))
    return found


def _is_about(resource: str) -> ColumnElement[bool]:
    return or_(
        AuditEvent.details["resource"].as_string() == resource,
        AuditEvent.details["permission"].as_string().startswith(f"{resource}:", autoescape=True),
        AuditEvent.tag.startswith(f"{resource}:", autoescape=True),
    )


def _ref(event: AuditEvent) -> EventRef:
    return EventRef(**{name: getattr(event, name) for name in EventRef.__dataclass_fields__})
