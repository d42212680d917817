"""An emergency is told once, to whom the patient chose, and to nobody else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, User
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.notifications.wording import WORDINGS
from medical_ai.patients import alarms, caregivers, dependants
from medical_ai.patients.care_schemas import CaregiverUpdate, DependantCreate, Relation
from medical_ai.patients.consent import Alarm, Share
from tests.integration.alarms.telling import BOTH_ALARMS, NOON, ask, logged, patient_id_of, told
from tests.integration.test_caregivers import invite, let
from tests.support.people import Person, create_patient_account, record_of

CHEST = "I have crushing chest pain"
EMERGENCY = NoticeKind.CARE_EMERGENCY


def test_advice_to_call_for_help_is_told_to_whom_the_patient_chose(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    answer = ask(database, alice, CHEST)
    assert set(told(database, EMERGENCY)) == {friend.user_id for friend in friends}
    assert answer.receipt.told.startswith("As you chose, a message asks 2 people")
    assert answer.receipt.told not in answer.reply  # the advice stands alone


def test_it_is_told_once_for_a_conversation(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    first = ask(database, alice, CHEST)
    again = ask(database, alice, "I cannot breathe", session_id=first.session_id)
    assert again.triage.level == "emergency"
    assert again.receipt.told == first.receipt.told  # they know already
    assert len(told(database, EMERGENCY)) == 2
    assert [event.details for event in logged(database)] == [{"told": 2}]
    ask(database, alice, CHEST)
    assert len(told(database, EMERGENCY)) == 4


def test_what_is_no_emergency_is_told_to_nobody(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    answer = ask(database, alice, "I have a slight cold")
    later = ask(database, alice, "What am I taking?")
    assert (answer.receipt.told, later.receipt.told) == ("", "")
    assert told(database, EMERGENCY) == []
    assert logged(database) == []


def test_whoever_asked_is_not_told(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    erin, finn = friends
    about = patient_id_of(database, alice)
    answer = ask(database, erin, "She has crushing chest pain", patient_id=about)
    assert answer.triage.level == "emergency"
    assert told(database, EMERGENCY) == [finn.user_id]
    assert answer.receipt.told.startswith("A message asks somebody else who looks after them")
    (event,) = logged(database)
    assert (event.actor_user_id, event.basis, event.patient_id) == (
        erin.user_id, "caregiver", about,
    )  # fmt: skip


def test_a_question_of_staff_is_told_to_nobody(
    database: Database, alice: Person, bob: Person, friends: tuple[Person, Person]
) -> None:
    about = patient_id_of(database, alice)
    answer = ask(database, bob, "She has crushing chest pain", patient_id=about)
    assert (answer.triage.level, answer.receipt.told) == ("emergency", "")
    answer = ask(database, bob, CHEST)  # about no record at all
    assert (answer.triage.level, answer.receipt.told) == ("emergency", "")
    assert told(database, EMERGENCY) == []


def test_a_caregivers_own_emergency_is_not_the_patients(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    answer = ask(database, friends[0], CHEST)
    assert (answer.triage.level, answer.receipt.told) == ("emergency", "")
    assert told(database, EMERGENCY) == []


@pytest.mark.parametrize(
    "said",
    [
        ["My husband is threatening to kill me"],
        ["My husband threatened to kill me and I have crushing chest pain"],
        ["My husband hits me", "My arm is bleeding and it will not stop"],
    ],
)
def test_whoever_is_afraid_of_somebody_at_home_is_safe_to_say_so(
    database: Database, alice: Person, friends: tuple[Person, Person], said: list[str]
) -> None:
    answer, talk = None, None
    for message in said:
        answer = ask(database, alice, message, session_id=talk)
        talk = answer.session_id
    assert answer is not None
    assert (answer.triage.level, answer.receipt.told) == ("emergency", "")
    assert told(database, EMERGENCY) == []


def test_the_log_says_that_others_were_told_and_not_of_what(
    database: Database, alice: Person, friends: tuple[Person, Person]
) -> None:
    answer = ask(database, alice, CHEST)
    (event,) = logged(database)
    assert (event.actor_user_id, event.basis) == (alice.user_id, "own")
    assert (event.subject_kind, event.subject_id) == ("conversation", answer.session_id)
    assert event.details == {"told": 2}


# -- Whom an alarm reaches


def _withdraw(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    caregivers.withdraw_consent(session, actor=alice.actor, caregiver_id=row_id)


def _untick(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    data = CaregiverUpdate(alarms=[])
    caregivers.change_consent(session, actor=alice.actor, caregiver_id=row_id, data=data)


def _suspend(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    change = update(User).where(User.id == erin.user_id)
    session.execute(change.values(suspended_at=clock.now()))


def _suspend_here(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    change = update(Membership).where(Membership.user_id == erin.user_id)
    session.execute(change.values(suspended_at=clock.now()))


def _delete(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    change = update(User).where(User.id == erin.user_id)
    session.execute(change.values(deleted_at=clock.now()))


def _become_staff(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    change = update(Membership).where(Membership.user_id == erin.user_id)
    session.execute(change.values(role="nurse"))


def _leave(session: Session, alice: Person, erin: Person, row_id: UUID) -> None:
    session.execute(Membership.__table__.delete().where(Membership.user_id == erin.user_id))


ENDS = [_withdraw, _untick, _suspend, _suspend_here, _delete, _become_staff, _leave]


@pytest.mark.parametrize("end", ENDS)
def test_who_does_not_look_after_the_patient_any_more_is_not_told(
    session: Session, alice: Person, end: Any
) -> None:
    erin = create_patient_account(session, "erin")
    row = let(session, alice, erin, alarms=BOTH_ALARMS)
    about = record_of(session, alice).id
    for alarm in Alarm:
        assert caregivers.list_alarmed(session, patient_id=about, alarm=alarm) == [erin.user_id]
    end(session, alice, erin, row.id)
    for alarm in Alarm:
        assert caregivers.list_alarmed(session, patient_id=about, alarm=alarm) == []


def test_nobody_is_told_after_the_last_day(session: Session, alice: Person) -> None:
    erin = create_patient_account(session, "erin")
    about = record_of(session, alice).id
    with time_machine.travel(NOON):
        let(session, alice, erin, alarms=BOTH_ALARMS, ends_on=date(2026, 11, 22))

    def reached(at: datetime) -> int:
        with time_machine.travel(at):
            return len(caregivers.list_alarmed(session, patient_id=about, alarm=Alarm.MISSED_DOSE))

    assert reached(datetime(2026, 11, 22, 22, 59, 59, tzinfo=UTC)) == 1
    assert reached(datetime(2026, 11, 22, 23, 0, 1, tzinfo=UTC)) == 0


def test_an_invitation_that_nobody_accepted_reaches_nobody(session: Session, alice: Person) -> None:
    invite(session, alice, Share.MEDICINES, alarms=BOTH_ALARMS)
    about = record_of(session, alice).id
    assert caregivers.list_alarmed(session, patient_id=about, alarm=Alarm.MISSED_DOSE) == []


def test_a_proxy_hears_of_every_alarm(session: Session, alice: Person) -> None:
    child = dependants.create_dependant(
        session,
        actor=alice.actor,
        data=DependantCreate(
            timezone="Europe/Berlin", relationship=Relation.ADULT,
            ends_on=clock.now().date() + timedelta(days=100),
        ),
    )  # fmt: skip
    for alarm in Alarm:
        found = caregivers.list_alarmed(session, patient_id=child.patient_id, alarm=alarm)
        assert found == [alice.user_id]


def test_every_alarm_has_its_notice_and_its_words() -> None:
    assert set(alarms.NOTICES) == set(Alarm)
    for kind in alarms.NOTICES.values():
        assert WORDINGS[kind].page == "/app/people"
