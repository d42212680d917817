"""The log of a hospital for its administrators: ids resolved to names, patients by code alone."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.reading import EventRef, Wanted, list_events
from medical_ai.audit.tags import AuditTag, Outcome, outcome_of
from medical_ai.auth.permissions import Permission, Role
from medical_ai.auth.service import people
from medical_ai.core.actor import Actor
from medical_ai.core.ids import PATIENT_CODE_PATTERN
from medical_ai.core.schemas import FieldInvalid, Line, Listing, Output, Query
from medical_ai.medications.schemas import Moment
from medical_ai.patients import service as patients
from medical_ai.web.access_log import deed_of
from medical_ai.web.access_words import (
    SERVICE,
    SOMEBODY,
    STAFF,
    spoken_deed,
    spoken_name,
    spoken_reason,
)

NOBODY = UUID(int=0)
"""Stands for whoever was not found: no event is about them."""


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise FieldInvalid("A moment needs an offset, such as Z.")
    return moment


AwareMoment = Annotated[Moment, AfterValidator(_aware)]


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
    outcome: Literal["done", "refused", "failed", "alarm"] | None = Field(
        None, description="What became of it."
    )
    from_: AwareMoment | None = Field(None, alias="from", description="Moment with an offset.")
    to: AwareMoment | None = Field(None, description="Moment with an offset, later than `from`.")
    cursor: UUID | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=100, description="Events on a page.")

    @model_validator(mode="after")
    def _is_a_span(self) -> "AuditQuery":
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


def search_audit(session: Session, *, actor: Actor, query: AuditQuery) -> Listing[AuditRead]:
    """Return events of the actor's own hospital; that somebody searched is an event as well."""
    actor.require(Permission.AUDIT_READ)
    patient_id = _find_patient(session, actor, query.patient)
    person_id = _find_person(session, actor, query.person)
    filters = sorted(query.model_dump(exclude_none=True, exclude_defaults=True))
    audit.record_reading(
        session,
        actor=actor,
        tag=AuditTag.AUDIT_SEARCHED,
        patient_id=patient_id if patient_id != NOBODY else None,
        details={"filters": filters},
    )
    wanted = Wanted(
        hospital_id=actor.tenant_id,
        patient_id=patient_id,
        actor_user_id=person_id,
        tag=query.tag,
        outcome=Outcome(query.outcome) if query.outcome else None,
        since=query.from_,
        until=query.to,
        cursor=query.cursor,
        limit=query.limit,
    )
    found, following = list_events(session, wanted)
    return Listing[AuditRead](items=_name_all(session, actor, found), next=following)


def _find_patient(session: Session, actor: Actor, code: str | None) -> UUID | None:
    if not code:
        return None
    found = patients.find_id_by_code(session, hospital_id=actor.tenant_id, code=code)
    return found or NOBODY


def _find_person(session: Session, actor: Actor, named: str | None) -> UUID | None:
    if not named:
        return None
    return people.find_member(session, hospital_id=actor.tenant_id, named=named) or NOBODY


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
    deed = deed_of(event)
    return AuditRead(
        id=event.id,
        at=event.at,
        tag=event.tag,
        outcome=outcome_of(event.tag),
        person_id=event.actor_user_id,
        who=_who(event, known),
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


def _who(event: EventRef, known: dict[UUID, people.PersonRef]) -> str:
    if event.actor_user_id is None:  # an unknown account's sign-in, or the house's own work
        return SOMEBODY if outcome_of(event.tag) is Outcome.FAILED else SERVICE
    if event.actor_role == Role.PATIENT or event.basis == "own":
        return "The patient"
    person = known.get(event.actor_user_id)
    return spoken_name(person.name if person else None, event.actor_role)
