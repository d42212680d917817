"""Who may look after a patient, how far it goes, and how it ends."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import Membership, OneTimeToken
from medical_ai.auth.permissions import Permission, Role
from medical_ai.core.database import Database
from medical_ai.core.errors import (
    Conflict,
    DomainError,
    NotFound,
    PermissionDenied,
    TooManyRequests,
)
from medical_ai.jobs.models import Job
from medical_ai.medications import ledger
from medical_ai.medications.states import DoseStatus
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients import caregivers, people
from medical_ai.patients import service as patients
from medical_ai.patients.care_schemas import CaregiverInvite, CaregiverUpdate
from medical_ai.patients.consent import Alarm, Share
from medical_ai.patients.models import Caregiver
from medical_ai.patients.schemas import Basis, CareStatus
from tests.support.medicines import add_medicine, doses_of
from tests.support.people import Person, create_patient_account, record_of

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
EMAIL = "friend-of-alice@example.net"
READ, ANSWER = Permission.MEDICATION_READ, Permission.DOSE_ANSWER


@pytest.fixture
def erin(database: Database) -> Person:
    """Alice's friend, who has an account and a record of her own."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "erin")


def invite(session: Session, by: Person, *shares: Share, **more: object) -> str:
    """Invite somebody and return the secret of the link."""
    data = CaregiverInvite.model_validate(
        {"email": EMAIL, "shares": list(shares or [Share.MEDICINES])} | more, strict=False
    )
    invited = caregivers.invite_caregiver(session, actor=by.actor, data=data)
    assert invited.link is not None
    return invited.link.partition("#")[2]


def let(session: Session, alice: Person, erin: Person, *shares: Share, **more: object) -> Caregiver:
    """Let somebody look after a patient, and return the row."""
    token = invite(session, alice, *shares, **more)
    caregivers.accept_invitation(session, actor=erin.actor, token=token)
    return session.scalars(
        select(Caregiver).where(Caregiver.user_id == erin.user_id).order_by(Caregiver.id.desc())
    ).first() or pytest.fail("nobody accepted")


def may(session: Session, who: Person, patient: Person, permission: str) -> bool:
    """Ask the door."""
    try:
        patients.get_patient_for(session, who.actor, record_of(session, patient).id, permission)
    except NotFound:
        return False
    return True


def test_nothing_opens_before_the_invitation_is_accepted(
    session: Session, alice: Person, erin: Person
) -> None:
    invite(session, alice)
    assert not may(session, erin, alice, READ)
    assert people.list_people(session, actor=erin.actor) == []


def test_a_caregiver_sees_what_the_consent_names_and_nothing_else(
    session: Session, alice: Person, erin: Person
) -> None:
    let(session, alice, erin, Share.MEDICINES)
    opened = patients.get_patient_for(session, erin.actor, record_of(session, alice).id, READ)
    assert opened.basis is Basis.CAREGIVER
    for closed in (ANSWER, Permission.MEDICATION_WRITE, Permission.RECORD_READ,
                   Permission.CARE_SHARE):  # fmt: skip
        assert not may(session, erin, alice, closed), closed


def test_marking_a_dose_needs_the_box_for_it(session: Session, alice: Person, erin: Person) -> None:
    with time_machine.travel(NOON):
        add_medicine(session, alice, ["13:00"])
        dose = doses_of(session)[0]
        row = let(session, alice, erin, Share.MEDICINES)

        def mark() -> DoseStatus:
            return ledger.answer_dose(
                session, actor=erin.actor, dose_id=dose.id, status=DoseStatus.TAKEN
            ).status

        with pytest.raises(NotFound):
            mark()
        caregivers.change_consent(
            session,
            actor=alice.actor,
            caregiver_id=row.id,
            data=CaregiverUpdate(shares=[Share.ANSWER_DOSES]),
        )
        assert mark() is DoseStatus.TAKEN


def test_what_a_caregiver_does_is_written_with_its_basis(
    database: Database, alice: Person, erin: Person
) -> None:
    with database.unit_of_work() as session:
        let(session, alice, erin)
    with database.unit_of_work() as session:
        assert may(session, erin, alice, READ)
        record_id = record_of(session, alice).id
    with database.unit_of_work() as session:
        assert not may(session, erin, alice, ANSWER)
    with database.reading() as session:
        found = session.execute(
            select(AuditEvent.tag, AuditEvent.basis)
            .where(AuditEvent.actor_user_id == erin.user_id, AuditEvent.patient_id == record_id)
            .order_by(AuditEvent.at)
        ).all()
    assert ("patient:record:viewed", "caregiver") in [tuple(row) for row in found]
    assert ("access:refused", "") in [tuple(row) for row in found]


def test_what_is_taken_back_is_gone_with_the_next_request(
    session: Session, alice: Person, erin: Person
) -> None:
    row = let(session, alice, erin)
    assert may(session, erin, alice, READ)
    caregivers.withdraw_consent(session, actor=alice.actor, caregiver_id=row.id)
    assert not may(session, erin, alice, READ)
    told = notifications.list_notices(session, actor=erin.actor)
    assert [notice.kind for notice in told] == [NoticeKind.CARE_ENDED]


def test_a_caregiver_can_end_it_and_not_somebody_elses(
    session: Session, alice: Person, erin: Person, bob: Person
) -> None:
    row = let(session, alice, erin)
    with pytest.raises(DomainError):
        caregivers.withdraw_consent(session, actor=bob.actor, caregiver_id=row.id)
    caregivers.withdraw_consent(session, actor=erin.actor, caregiver_id=row.id)
    assert row.status is CareStatus.ENDED


def test_a_consent_ends_with_its_last_day_on_the_patients_clock(
    session: Session, alice: Person, erin: Person
) -> None:
    with time_machine.travel(NOON):
        let(session, alice, erin, ends_on=date(2026, 11, 22))
    with time_machine.travel(datetime(2026, 11, 22, 22, 59, 59, tzinfo=UTC)):
        assert may(session, erin, alice, READ)
    with time_machine.travel(datetime(2026, 11, 22, 23, 0, 1, tzinfo=UTC)):
        assert not may(session, erin, alice, READ)
        assert people.list_people(session, actor=erin.actor) == []


def test_a_link_works_once_and_for_a_week(session: Session, alice: Person, erin: Person) -> None:
    token = invite(session, alice)
    caregivers.accept_invitation(session, actor=erin.actor, token=token)
    with pytest.raises(NotFound):
        caregivers.accept_invitation(session, actor=erin.actor, token=token)
    late = invite(session, alice)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=8)), pytest.raises(NotFound):
        caregivers.get_invitation(session, token=late)


def test_an_invitation_that_was_taken_back_cannot_be_accepted(
    session: Session, alice: Person, erin: Person
) -> None:
    token = invite(session, alice)
    listed = caregivers.list_caregivers(session, actor=alice.actor)
    caregivers.withdraw_consent(session, actor=alice.actor, caregiver_id=listed[0].id)
    with pytest.raises(NotFound):
        caregivers.accept_invitation(session, actor=erin.actor, token=token)


def test_the_invited_person_reads_who_asks_and_can_say_no(session: Session, alice: Person) -> None:
    token = invite(session, alice, Share.MEDICINES, alarms=[Alarm.MISSED_DOSE])
    read = caregivers.get_invitation(session, token=token)
    assert (read.asked_by, read.shares, read.alarms) == (
        "Alice", [Share.MEDICINES], [Alarm.MISSED_DOSE],
    )  # fmt: skip
    caregivers.decline_invitation(session, token=token)
    assert caregivers.list_caregivers(session, actor=alice.actor) == []
    with pytest.raises(NotFound):
        caregivers.get_invitation(session, token=token)


def test_the_patient_reads_who_accepted(session: Session, alice: Person, erin: Person) -> None:
    let(session, alice, erin)
    (read,) = caregivers.list_caregivers(session, actor=alice.actor)
    assert (read.email, read.name, read.account) == (EMAIL, "Erin", erin.email)
    told = notifications.list_notices(session, actor=alice.actor)
    assert [notice.kind for notice in told] == [NoticeKind.CAREGIVER_ACCEPTED]


def test_nobody_accepts_their_own_invitation_or_as_staff(
    session: Session, alice: Person, bob: Person
) -> None:
    token = invite(session, alice)
    with pytest.raises(Conflict):
        caregivers.accept_invitation(session, actor=alice.actor, token=token)
    with pytest.raises(PermissionDenied):
        caregivers.accept_invitation(session, actor=bob.actor, token=token)


@pytest.fixture
def gus(database: Database) -> Person:
    """A patient of the other hospital."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "gus", hospital="hillside")


def test_somebody_from_another_hospital_gets_a_place_as_a_patient_there(
    session: Session, alice: Person, gus: Person
) -> None:
    let(session, alice, gus)
    assert not may(session, gus, alice, READ)  # in a session of the other hospital
    here = replace(gus, actor=replace(gus.actor, tenant_id=alice.actor.tenant_id))
    assert may(session, here, alice, READ)
    with pytest.raises(NotFound):  # a place, and no second record
        record_of(session, here)


def test_who_works_at_the_hospital_uses_another_account(
    session: Session, alice: Person, gus: Person
) -> None:
    here = alice.actor.tenant_id
    session.add(Membership(user_id=gus.user_id, hospital_id=here, role=Role.NURSE))
    session.flush()
    token = invite(session, alice)
    with pytest.raises(Conflict):
        caregivers.accept_invitation(session, actor=gus.actor, token=token)


def test_the_newer_consent_of_two_is_the_one_that_counts(
    session: Session, alice: Person, erin: Person
) -> None:
    let(session, alice, erin, Share.ANSWER_DOSES)
    let(session, alice, erin, Share.MEDICINES)
    assert not may(session, erin, alice, ANSWER)
    assert len(caregivers.list_caregivers(session, actor=alice.actor)) == 1


def test_ten_invitations_a_day_are_enough(session: Session, alice: Person) -> None:
    for _ in range(10):
        invite(session, alice)
    with pytest.raises(TooManyRequests):
        invite(session, alice)


def test_alarms_reach_whom_the_patient_chose_while_it_holds(
    session: Session, alice: Person, erin: Person
) -> None:
    record_id = record_of(session, alice).id

    def reached(alarm: Alarm) -> list[object]:
        return list(caregivers.list_alarmed(session, patient_id=record_id, alarm=alarm))

    row = let(session, alice, erin, alarms=[Alarm.MISSED_DOSE])
    assert reached(Alarm.MISSED_DOSE) == [erin.user_id]
    assert reached(Alarm.EMERGENCY_ADVISED) == []
    caregivers.withdraw_consent(session, actor=alice.actor, caregiver_id=row.id)
    assert reached(Alarm.MISSED_DOSE) == []


def test_the_address_is_sealed_and_the_link_leaves_no_trace(
    session: Session, alice: Person
) -> None:
    token = invite(session, alice)
    row = session.scalars(select(Caregiver)).one()
    assert EMAIL.encode() not in (row.email_sealed or b"")
    kept = session.scalars(select(OneTimeToken)).one()
    assert token not in {kept.token_hash, str(kept.id)}


@pytest.mark.settings(smtp_host="127.0.0.1")
def test_the_link_goes_by_mail_where_there_is_one(session: Session, alice: Person) -> None:
    data = CaregiverInvite(email=EMAIL, shares=[Share.MEDICINES])
    invited = caregivers.invite_caregiver(session, actor=alice.actor, data=data)
    session.flush()
    assert invited.link is None
    (job,) = session.scalars(select(Job))
    assert job.kind == "link.send"
    assert EMAIL not in str(job.payload)
