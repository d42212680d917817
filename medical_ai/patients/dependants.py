"""Dependants: a record that somebody else keeps, until a day that is set beforehand.

A proxy decides for a child until the eighteenth birthday at most, and for an adult a year at a
time. Whoever the record is about can take it over with an account of their own; see
docs/adr/0016-caregivers-and-proxies.md.
"""

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Permission
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from medical_ai.core.events import RecordReplaced, publish
from medical_ai.core.ids import new_id
from medical_ai.core.zones import zone_of
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import caregivers, erasure, links, people
from medical_ai.patients import service as patients
from medical_ai.patients.access import holds
from medical_ai.patients.care_schemas import (
    DependantCreate,
    DependantUpdate,
    HandoverAccept,
    HandoverCreate,
    HandoverOffered,
    PersonRead,
    Relation,
)
from medical_ai.patients.consent import Share, packed, permissions_for
from medical_ai.patients.models import Caregiver, Patient
from medical_ai.patients.schemas import CareKind, CareStatus, PatientRef

OF_AGE = 18
ADULT_AT_MOST = timedelta(days=366)
MAX_DEPENDANTS = 20
HANDOVER_LIFE = timedelta(days=7)
GONE = "This link has been used, or is too old. Ask for a new one."


def create_dependant(session: Session, *, actor: Actor, data: DependantCreate) -> PersonRead:
    """Open a record for somebody who cannot keep it, with the actor as their proxy.

    Raises InvalidInput for an end that is too far away and Conflict when there are too many.
    """
    actor.require(Permission.CARE_SHARE)
    if len(_list_kept_by(session, actor.user_id)) >= MAX_DEPENDANTS:
        raise Conflict(f"You can keep the records of {MAX_DEPENDANTS} people at most.")
    today = clock.now().astimezone(zone_of(data.timezone)).date()
    check_end(Relation(data.relationship), data.birth_date, data.ends_on, today)
    patient = patients.create_patient(
        session,
        hospital_id=actor.tenant_id,
        user_id=None,
        home_zone=data.timezone,
        actor=actor,
    )
    row_id = new_id()
    row = Caregiver(
        id=row_id,
        hospital_id=actor.tenant_id,
        patient_id=patient.id,
        user_id=actor.user_id,
        kind=CareKind.PROXY,
        status=CareStatus.ACTIVE,
        relationship=data.relationship.value,
        name_sealed=_sealed(patient, row_id, "name", data.name),
        birth_date_sealed=_sealed(patient, row_id, "birth_date", _iso(data.birth_date)),
        answered_at=clock.now(),
        ends_at=caregivers.end_of(patient, data.ends_on),
    )
    session.add(row)
    session.flush()
    _record(session, actor, AuditTag.DEPENDANT_ADDED, row)
    return people.get_person_of(session, actor=actor, relationship_id=row_id)


def change_end(
    session: Session, *, actor: Actor, dependant_id: UUID, data: DependantUpdate
) -> PersonRead:
    """Move the last day of deciding for somebody, within the same bounds. Raises NotFound."""
    row, patient = _get_kept(session, actor, dependant_id)
    born = caregivers.open_sealed(row, patient, "birth_date")
    today = clock.now().astimezone(zone_of(patient.home_zone)).date()
    birth_date = date.fromisoformat(born) if born else None
    check_end(Relation(row.relationship), birth_date, data.ends_on, today)
    row.ends_at = caregivers.end_of(patient, data.ends_on)
    session.flush()
    _record(session, actor, AuditTag.PROXY_CHANGED, row)
    return people.get_person_of(session, actor=actor, relationship_id=dependant_id)


def offer_handover(
    session: Session, *, actor: Actor, dependant_id: UUID, data: HandoverCreate
) -> HandoverOffered:
    """Send whoever the record is about a link to take it over. Raises NotFound."""
    row, _ = _get_kept(session, actor, dependant_id)
    link = links.send_or_spell(
        session,
        purpose=OneTimePurpose.RECORD_HANDOVER,
        email=auth.normal_email(data.email),
        life=HANDOVER_LIFE,
        user_id=actor.user_id,
        subject_id=row.id,
    )
    _record(session, actor, AuditTag.HANDOVER_OFFERED, row)
    return HandoverOffered(email=data.email, link=link)


def take_over(session: Session, *, actor: Actor, data: HandoverAccept) -> PatientRef:
    """Make the actor the owner of the record that was kept for them; the proxy ends with it.

    A record the account has already is let go if nothing is in it. Raises NotFound for a link
    that is over, and Conflict where the account cannot be the owner.
    """
    actor.require(Permission.CARE_SHARE)
    found = auth.find_token(session, purpose=OneTimePurpose.RECORD_HANDOVER, token=data.token)
    row = session.get(Caregiver, found.subject_id, with_for_update=True) if found else None
    if row is None or row.kind is not CareKind.PROXY or row.status is not CareStatus.ACTIVE:
        raise NotFound(GONE)
    if row.user_id == actor.user_id:
        raise Conflict("This link is for the account of the person whose record it is.")
    patients.get_patient(session, row.patient_id)  # NotFound where it was deleted meanwhile
    auth.join_as_patient(session, user_id=actor.user_id, hospital_id=row.hospital_id)
    auth.redeem_token(session, purpose=OneTimePurpose.RECORD_HANDOVER, token=data.token)
    _let_go_of_empty_record(session, actor)
    session.get_one(Patient, row.patient_id).user_id = actor.user_id
    session.flush()
    for proxy in _list_proxies(session, row.patient_id):
        _end_proxy(session, proxy, keeps_caregiver=data.keeps_caregiver)
    _record(session, actor, AuditTag.RECORD_HANDED_OVER, row)
    return patients.get_patient(session, row.patient_id)


def check_end(relation: Relation, born: date | None, last: date, today: date) -> None:
    """Refuse a last day that is too far away for this kind of dependant. Raises InvalidInput."""
    if born is not None and born > today:
        raise _wrong("birth_date", "This day is still to come.")
    if relation is Relation.ADULT:
        if last > today + ADULT_AT_MOST:
            raise _wrong("ends_on", "Choose a day within a year; you can move it later.")
        return
    if born is None:
        raise _wrong("birth_date", "Enter when the child was born: this ends at eighteen.")
    birthday = of_age_on(born)
    if birthday <= today:
        raise _wrong("birth_date", "This person is of age. Choose an adult instead.")
    if last > birthday:
        raise _wrong("ends_on", "Choose a day up to the eighteenth birthday.")


def of_age_on(born: date) -> date:
    """Return the eighteenth birthday; who was born on 29 February has it on 1 March."""
    year = born.year + OF_AGE
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def _list_kept_by(session: Session, user_id: UUID) -> list[Caregiver]:
    return list(
        session.scalars(
            select(Caregiver).where(
                Caregiver.user_id == user_id,
                Caregiver.kind == CareKind.PROXY,
                Caregiver.status == CareStatus.ACTIVE,
            )
        )
    )


def _get_kept(session: Session, actor: Actor, dependant_id: UUID) -> tuple[Caregiver, PatientRef]:
    kept = (Caregiver.id == dependant_id, Caregiver.kind == CareKind.PROXY)
    row = session.scalar(select(Caregiver).where(*kept, holds(actor)))
    if row is None:
        actor.require(Permission.CARE_SHARE)
        raise NotFound
    return row, patients.get_patient_for(session, actor, row.patient_id, Permission.CARE_SHARE)


def _list_proxies(session: Session, patient_id: UUID) -> list[Caregiver]:
    return list(
        session.scalars(
            select(Caregiver).where(
                Caregiver.patient_id == patient_id,
                Caregiver.kind == CareKind.PROXY,
                Caregiver.status == CareStatus.ACTIVE,
            )
        )
    )


def _let_go_of_empty_record(session: Session, actor: Actor) -> None:
    own = session.scalar(select(Patient).where(Patient.user_id == actor.user_id))
    if own is None:
        return
    if erasure.is_in_use(session, own):
        raise Conflict("Your account has a record that is in use already. Use a new account.")
    publish(session, RecordReplaced(own.id))  # whoever keeps something in it refuses
    # An account owns one record: this one goes before the other comes, and leaves nothing behind
    # that no deletion of the account would find.
    erasure.erase_record(session, own)


def _end_proxy(session: Session, proxy: Caregiver, *, keeps_caregiver: bool) -> None:
    caregivers.end(session, proxy)
    if keeps_caregiver:
        session.add(
            Caregiver(
                hospital_id=proxy.hospital_id,
                patient_id=proxy.patient_id,
                user_id=proxy.user_id,
                kind=CareKind.CAREGIVER,
                status=CareStatus.ACTIVE,
                permissions=packed(permissions_for([Share.MEDICINES])),
                alarms=packed(()),
                answered_at=clock.now(),
            )
        )
        session.flush()
    if proxy.user_id is not None:
        notifications.tell(
            session,
            user_id=proxy.user_id,
            hospital_id=proxy.hospital_id,
            kind=NoticeKind.RECORD_HANDED_OVER,
            subject_id=proxy.id,
        )


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _sealed(patient: PatientRef, row_id: UUID, column: str, text: str | None) -> bytes | None:
    return patient.vault.seal_text(text, "caregivers", column, row_id) if text else None


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(fields=(FieldProblem(field, message),))


def _record(session: Session, actor: Actor, tag: AuditTag, row: Caregiver) -> None:
    audit.record(
        session,
        tag=tag,
        actor=actor,
        patient_id=row.patient_id,
        subject=("caregiver", row.id),
    )
