"""A patient's own access log: events of the log, joined with the names of people and hospitals."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from medical_ai.audit.reading import EventRef, Wanted, list_actor_ids, list_events
from medical_ai.audit.tags import Outcome, outcome_of
from medical_ai.auth.permissions import Permission
from medical_ai.auth.service import people
from medical_ai.auth.service.people import PersonRef
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.schemas import Listing, Output, Query
from medical_ai.core.zones import zone_of
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef
from medical_ai.tenancy import service as tenancy
from medical_ai.web.access_words import (
    PATIENT,
    SERVICE,
    YOU,
    Deed,
    spoken_deed,
    spoken_moment,
    spoken_name,
    spoken_own_deed,
    spoken_reason,
)

DAYS_MAX = 366


class AccessQuery(Query):
    """Which of one's own access log."""

    days: int = Field(30, ge=1, le=DAYS_MAX, description="How many days back.")
    resource: str | None = Field(
        None, pattern=r"^[a-z-]{1,32}$", description="A part of the record, such as `medication`."
    )
    person: UUID | None = Field(None, description="The account of whoever did it.")
    who: Literal["everybody", "others"] = Field(
        "everybody", description="`others` leaves out one's own doings and the assistant's."
    )
    cursor: UUID | None = Field(None, description="`next` of the page before.")
    limit: int = Field(50, ge=1, le=100, description="Events on a page.")


class AccessRead(Output):
    """One event of a patient's access log, with its words."""

    id: UUID
    at: datetime
    tag: str
    outcome: Outcome
    resource: str = Field(description="The part of the record, as far as the event says.")
    basis: str = Field(description="Why they could, such as `own` or `care-team`.")
    via: str
    is_own: bool = Field(description="Whether it was the patient, or the assistant for them.")
    person_id: UUID | None
    who: str
    role: str
    hospital: str
    did: str = Field(description="What was done, such as `saw your medicines`.")
    why: str = Field(description="Why they could, in words; empty where it needs none.")
    sentence: str = Field(description="All of it as one sentence, in the patient's own zone.")


def list_access(session: Session, *, actor: Actor, query: AccessQuery) -> Listing[AccessRead]:
    """Return who did what with the actor's own record, the newest first.

    Raises NotFound where the account has no record of its own.
    """
    patient = patients.get_own_patient(session, actor, Permission.ACCESS_LOG_READ)
    found, following = list_events(
        session,
        Wanted(
            patient_id=patient.id,
            actor_user_id=query.person,
            others_than=actor.user_id if query.who == "others" else None,
            resource=query.resource,
            since=clock.now() - timedelta(days=query.days),
            cursor=query.cursor,
            limit=query.limit,
        ),
    )
    return Listing[AccessRead](items=speak_all(session, patient, found), next=following)


def list_visitors(session: Session, *, actor: Actor, days: int) -> list[PersonRef]:
    """Return the others who dealt with the actor's record, by name, to choose from."""
    patient = patients.get_own_patient(session, actor, Permission.ACCESS_LOG_READ)
    since = clock.now() - timedelta(days=days)
    ids = list_actor_ids(session, patient_id=patient.id, since=since)
    known = people.list_people(session, [one for one in ids if one != actor.user_id])
    members = people.list_members_among(session, hospital_id=patient.hospital_id, user_ids=known)
    return [known[one] for one in ids if one in members]


def speak_all(session: Session, patient: PatientRef, events: list[EventRef]) -> list[AccessRead]:
    """Put events into words, with two queries for all the names."""
    known = people.list_people(session, {one.actor_user_id for one in events if one.actor_user_id})
    hospitals = tenancy.list_names(session, {one.hospital_id for one in events if one.hospital_id})
    return [_speak(one, patient, known, hospitals) for one in events]


def _speak(
    event: EventRef,
    patient: PatientRef,
    known: dict[UUID, PersonRef],
    hospitals: dict[UUID, str],
) -> AccessRead:
    zone, deed = zone_of(patient.home_zone), deed_of(event)
    when = spoken_moment(event.at.astimezone(zone), clock.now().astimezone(zone).date())
    hospital = hospitals.get(event.hospital_id, "") if event.hospital_id else ""
    did, why = spoken_deed(deed, PATIENT), spoken_reason(deed, PATIENT)
    who = _name(event, patient, known)
    said = f"{who}, {hospital}, {did}" if hospital else f"{who}, {did}"
    is_own = who in {YOU, SERVICE}
    if is_own:
        said = spoken_own_deed(deed) if who == YOU else f"{SERVICE} {did}"
    return AccessRead(
        id=event.id,
        at=event.at,
        tag=event.tag,
        outcome=outcome_of(event.tag),
        resource=event.resource,
        basis=event.basis,
        via=event.via,
        is_own=is_own,
        person_id=event.actor_user_id,
        who=who,
        role=event.actor_role,
        hospital=hospital,
        did=did,
        why=why,
        sentence=", ".join(part for part in (said, when, why) if part) + ".",
    )


def _name(event: EventRef, patient: PatientRef, known: dict[UUID, PersonRef]) -> str:
    if event.actor_user_id is None:
        return SERVICE
    if event.actor_user_id == patient.user_id:
        return YOU
    # Names are told of one's own hospital alone; elsewhere, what they are and where.
    is_ours = event.hospital_id == patient.hospital_id
    person = known.get(event.actor_user_id) if is_ours else None
    return spoken_name(person.name if person else None, event.actor_role)


def deed_of(event: EventRef) -> Deed:
    """Return what an event says for its words."""
    tool = str(event.details.get("tool", ""))
    return Deed(event.tag, event.basis, event.via, event.resource, tool)
