"""Alarms on unusual access, as a hospital's administrators read them."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit.reading import EventRef, Wanted, list_events
from medical_ai.audit.rules import RULES, Rule
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Permission
from medical_ai.auth.service import people
from medical_ai.auth.service.people import PersonRef
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.schemas import Output
from medical_ai.web.access_words import spoken_name

ALARM_DAYS = 30
ALARMS_MAX = 20


class AlarmRead(Output):
    """An alarm: who met which rule, and how often what it counts happened."""

    id: UUID
    at: datetime
    person_id: UUID | None
    who: str
    title: str
    reason: str
    count: int


def list_alarms(session: Session, *, actor: Actor) -> list[AlarmRead]:
    """Return the latest alarms of the actor's hospital."""
    actor.require(Permission.AUDIT_READ)
    since = clock.now() - timedelta(days=ALARM_DAYS)
    tag = AuditTag.AUDIT_ALARM.value
    wanted = Wanted(hospital_id=actor.tenant_id, tag=tag, since=since, limit=ALARMS_MAX)
    found, _ = list_events(session, wanted)
    known = people.list_people(session, {one.subject_id for one in found if one.subject_id})
    ruled = [(one, RULES.get(str(one.details.get("rule")))) for one in found]
    return [_read(event, rule, known) for event, rule in ruled if rule is not None]


def _read(event: EventRef, rule: Rule, known: dict[UUID, PersonRef]) -> AlarmRead:
    person = known.get(event.subject_id) if event.subject_id else None
    return AlarmRead(
        id=event.id,
        at=event.at,
        person_id=event.subject_id,
        who=spoken_name(person.name if person else None, ""),
        title=rule.title,
        reason=rule.reason,
        count=int(event.details.get("count", 0)),
    )
