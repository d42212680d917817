"""The log of a hospital for its administrators: ids resolved to names, patients by code alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.reading import EventRef, Wanted, list_events
from medical_ai.audit.rules import RULES
from medical_ai.audit.tags import AuditTag, Outcome, outcome_of
from medical_ai.auth.permissions import Permission
from medical_ai.auth.service import people
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.ids import PATIENT_CODE_PATTERN
from medical_ai.core.schemas import FieldInvalid, Line, Listing, Output, Query
from medical_ai.medications.schemas import Moment
from medical_ai.patients import service as patients
from medical_ai.web.access_log import deed_of
from medical_ai.web.access_words import (
    ASSISTANT,
    SOMEBODY,
    STAFF,
    spoken_deed,
    spoken_name,
    spoken_reason,
)

ALARM_DAYS = 30
ALARMS_MAX = 20


class AuditQuery(Query):
    """Which events of the hospital's log."""

    person: Line | None = Field(
        None, max_length=254, description="E-mail address or name of whoever did it."
    )
    patient: str | None = Field(
        None, pattern=PATIENT_CODE_PATTERN, description="A patient's code, such as `NUGWI`."
    )
    tag: str | None = Field(
        None, pattern=r"^[a-z:-]{1,64}$", description="What happened, such as `access:refused`."
    )
    outcome: Outcome | None = Field(None, description="What became of it.")
    from_: Moment | None = Field(None, alias="from", description="Moment with an offset.")
    to: Moment | None = Field(None, description="Moment with an offset, later than `from`.")
    cursor: UUID | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=100, description="Events on a page.")

    @model_validator(mode="after")
    def _is_a_span(self) -> "AuditQuery":
        if any(one is not None and one.tzinfo is None for one in (self.from_, self.to)):
            raise FieldInvalid("A moment needs an offset, such as Z.")
        if self.from_ and self.to and self.to <= self.from_:
            raise FieldInvalid("`to` must be later than `from`.")
        return self


class AuditRead(Output):
    """One event of the hospital's log."""

    id: UUID
    at: datetime
    tag: str
    outcome: Outcome
    person_id: UUID | None
    who: str
    role: str
    did: str = Field(description="What was done, in words.")
    why: str = Field(description="Why they could, in words; empty where it needs none.")
    patient: str = Field(description="The patient's code, if it is about one of this hospital.")
    basis: str
    via: str
    address: str
    subject_kind: str
    subject_id: UUID | None
    request_id: str
    details: dict[str, Any]


class AlarmRead(Output):
    """An alarm: who met which rule, and how often what it counts happened."""

    id: UUID
    at: datetime
    person_id: UUID | None
    who: str
    title: str
    reason: str
    count: int


def search_audit(session: Session, *, actor: Actor, query: AuditQuery) -> Listing[AuditRead]:
    """Return events of the actor's own hospital; that somebody searched is an event as well."""
    actor.require(Permission.AUDIT_READ)
    patient_id = query.patient and patients.find_id_by_code(
        session, hospital_id=actor.tenant_id, code=query.patient
    )
    person_id = query.person and people.find_member(
        session, hospital_id=actor.tenant_id, named=query.person
    )
    audit.record_reading(
        session,
        actor=actor,
        tag=AuditTag.AUDIT_SEARCHED,
        patient_id=patient_id or None,
        details={"filters": sorted(query.model_dump(exclude_none=True, exclude_defaults=True))},
    )
    if (query.patient and not patient_id) or (query.person and not person_id):
        return Listing[AuditRead](items=[])
    wanted = Wanted(
        hospital_id=actor.tenant_id,
        patient_id=patient_id or None,
        actor_user_id=person_id or None,
        tag=query.tag,
        outcome=query.outcome,
        since=query.from_,
        until=query.to,
        cursor=query.cursor,
        limit=query.limit,
    )
    found, following = list_events(session, wanted)
    return Listing[AuditRead](items=_name_all(session, actor, found), next=following)


def list_alarms(session: Session, *, actor: Actor) -> list[AlarmRead]:
    """Return the latest alarms of the actor's hospital."""
    actor.require(Permission.AUDIT_READ)
    since = clock.now() - timedelta(days=ALARM_DAYS)
    tag = AuditTag.AUDIT_ALARM.value
    wanted = Wanted(hospital_id=actor.tenant_id, tag=tag, since=since, limit=ALARMS_MAX)
    found, _ = list_events(session, wanted)
    known = people.list_people(session, {one.subject_id for one in found if one.subject_id})
    alarms = []
    for event in found:
        rule = RULES.get(str(event.details.get("rule")))
        person = known.get(event.subject_id) if event.subject_id else None
        if rule is not None:
            alarms.append(
                AlarmRead(
                    id=event.id,
                    at=event.at,
                    person_id=event.subject_id,
                    who=spoken_name(person.name if person else None, ""),
                    title=rule.title,
                    reason=rule.reason,
                    count=int(event.details.get("count", 0)),
                )
            )
    return alarms


def _name_all(session: Session, actor: Actor, events: list[EventRef]) -> list[AuditRead]:
    ids = {one.actor_user_id for one in events if one.actor_user_id}
    staff = people.list_members_among(
        session, hospital_id=actor.tenant_id, user_ids=ids, staff_only=True
    )
    known = people.list_people(session, staff)  # patients are told by code alone
    codes = patients.list_codes(
        session,
        hospital_id=actor.tenant_id,
        patient_ids={one.patient_id for one in events if one.patient_id},
    )
    return [_name(one, known, codes) for one in events]


def _name(
    event: EventRef, known: dict[UUID, people.PersonRef], codes: dict[UUID, str]
) -> AuditRead:
    person = known.get(event.actor_user_id) if event.actor_user_id else None
    deed = deed_of(event)
    name = person.name if person else None
    who = spoken_name(name, event.actor_role)
    if event.actor_user_id is None:  # an unknown account's sign-in, or the house's own work
        who = SOMEBODY if outcome_of(event.tag) is Outcome.FAILED else ASSISTANT
    elif event.actor_role == "patient" or event.basis == "own":
        who = "The patient"
    return AuditRead(
        id=event.id,
        at=event.at,
        tag=event.tag,
        outcome=outcome_of(event.tag),
        person_id=event.actor_user_id,
        who=who,
        role=event.actor_role,
        did=spoken_deed(deed, STAFF),
        why=spoken_reason(deed, STAFF),
        patient=codes.get(event.patient_id, "") if event.patient_id else "",
        basis=event.basis,
        via=event.via,
        address=event.address,
        subject_kind=event.subject_kind,
        subject_id=event.subject_id,
        request_id=event.request_id,
        details=event.details,
    )
