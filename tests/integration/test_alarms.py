"""Whom a missed dose and an emergency are told to: once, whom the patient chose, and no others."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from medical_ai.assistant import service as assistant
from medical_ai.assistant.schemas import ChatAnswer, ChatQuestion
from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import Membership, User
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.medications import missed, service
from medical_ai.medications.missed import mark_missed
from medical_ai.medications.models import Dose
from medical_ai.medications.states import DoseStatus
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.notifications.wording import WORDINGS
from medical_ai.patients import alarms, caregivers, dependants
from medical_ai.patients.care_schemas import CaregiverUpdate, DependantCreate, Relation
from medical_ai.patients.consent import Alarm, Share
from tests.integration.test_caregivers import invite, let
from tests.support.medicines import add_medicine, doses_of
from tests.support.people import Cast, Person, create_patient_account, record_of
from tests.support.queries import counted

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
MISSED_AT = NOON + timedelta(hours=4, minutes=1)
CHEST = "I have crushing chest pain"
BOTH_ALARMS = [Alarm.MISSED_DOSE, Alarm.EMERGENCY_ADVISED]
EMERGENCY, MISSED = NoticeKind.CARE_EMERGENCY, NoticeKind.CARE_DOSE_MISSED


@pytest.fixture
def friends(database: Database, people: Cast) -> tuple[Person, Person]:
    """Erin and Finn, who look after Alice and are told of everything."""
    with database.unit_of_work() as session:
        erin, finn = (create_patient_account(session, name) for name in ("erin", "finn"))
        for friend in (erin, finn):
            let(session, people.alice, friend, alarms=BOTH_ALARMS)
    return erin, finn


@pytest.fixture
def erin(friends: tuple[Person, Person]) -> Person:
    """The first of them."""
    return friends[0]


def ask(database: Database, who: Person, message: str, **more: Any) -> ChatAnswer:
    """Ask the assistant."""
    return assistant.ask(database, actor=who.actor, question=ChatQuestion(message=message, **more))


def told(database: Database, kind: NoticeKind) -> list[UUID]:
    """Return who has a notice of a kind, one entry for each."""
    with database.reading() as session:
        found = select(Notice.user_id).where(Notice.kind == kind).order_by(Notice.created_at)
        return list(session.scalars(found))


def logged(database: Database) -> list[AuditEvent]:
    """Return what the log says of alarms."""
    with database.reading() as session:
        tag = AuditTag.CAREGIVERS_ALARMED.value
        found = list(session.scalars(select(AuditEvent).where(AuditEvent.tag == tag)))
        session.expunge_all()
    return found


def patient_id_of(database: Database, who: Person) -> UUID:
    """Return the id of a patient's record."""
    with database.reading() as session:
        return record_of(session, who).id


# -- Emergencies


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


# -- Missed doses


@pytest.fixture
def noon() -> Iterator[Any]:
    """Let it be noon in Berlin."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def remind(session: Session, dose: Dose, at: datetime = NOON) -> None:
    """Let a dose's reminder have gone out."""
    dose.status, dose.sent_at = DoseStatus.SENT, at
    session.flush()


def sweep(database: Database, at: datetime = MISSED_AT) -> int:
    """Let a worker look for missed doses."""
    with time_machine.travel(at, tick=False), database.unit_of_work() as session:
        return mark_missed(session)


def test_a_missed_dose_is_told_once_however_often_the_worker_looks(
    database: Database, alice: Person, friends: tuple[Person, Person], noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["12:00"])
        dose = doses_of(session)[0]
        remind(session, dose)
        dose_id = dose.id
    assert [sweep(database), sweep(database)] == [1, 0]
    assert sorted(told(database, MISSED)) == sorted(friend.user_id for friend in friends)
    (event,) = logged(database)
    assert (event.subject_kind, event.subject_id) == ("dose", dose_id)
    assert (event.actor_user_id, event.details) == (None, {"told": 2})


def test_all_that_a_patient_missed_is_one_message(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["08:00", "12:00", "20:00"])
        add_medicine(session, alice, ["12:00"])
        first = [dose for dose in doses_of(session) if dose.due_at < NOON + timedelta(days=2)]
        for dose in first:  # after an outage of days, some seconds apart
            remind(session, dose, NOON + timedelta(seconds=first.index(dose)))
    # The first is over, the last will be in some seconds.
    assert sweep(database, NOON + timedelta(hours=4, seconds=1)) == len(first) > 4
    assert told(database, MISSED).count(erin.user_id) == 1
    assert sweep(database, NOON + timedelta(hours=4, seconds=16)) == 0


def test_doses_of_other_times_are_other_messages(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["12:00", "20:00"])
        noons, evenings = doses_of(session)[:2]
        remind(session, noons)
        remind(session, evenings, NOON + timedelta(hours=8))
    assert sweep(database) == 1
    assert sweep(database, NOON + timedelta(hours=12, minutes=1)) == 1
    assert told(database, MISSED).count(erin.user_id) == 2


def test_patients_are_taken_in_batches_and_each_is_told_of_their_own(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        gina = create_patient_account(session, "gina")
        hugo = create_patient_account(session, "hugo")
        let(session, gina, hugo, alarms=[Alarm.MISSED_DOSE])
        for person in (alice, gina):
            added = add_medicine(session, person, ["12:00"])
            remind(session, doses_of(session, added.id)[0])
    with patch.object(missed, "PATIENTS_AT_ONCE", 1):
        assert [sweep(database), sweep(database), sweep(database)] == [1, 1, 0]
    found = told(database, MISSED)
    assert (found.count(erin.user_id), found.count(hugo.user_id)) == (1, 1)


def test_a_dose_of_days_ago_is_told_when_it_is_found(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["12:00"])
        remind(session, doses_of(session)[0])
    assert sweep(database, NOON + timedelta(days=6)) == 1
    assert told(database, MISSED).count(erin.user_id) == 1


def test_a_dose_of_a_medicine_that_was_stopped_is_not_told(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        medicine = add_medicine(session, alice, ["12:00"])
        remind(session, doses_of(session)[0])
    with time_machine.travel(NOON + timedelta(hours=1)), database.unit_of_work() as session:
        service.stop_medication(session, actor=alice.actor, medication_id=medicine.id)
    assert sweep(database) == 1
    assert told(database, MISSED) == []


def test_an_answered_dose_is_told_to_nobody(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["12:00"])
        dose = doses_of(session)[0]
        dose.status, dose.sent_at = DoseStatus.TAKEN, NOON
    assert sweep(database) == 0
    assert told(database, MISSED) == []


def test_who_chose_emergencies_alone_hears_nothing_of_doses(
    database: Database, alice: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        erin = create_patient_account(session, "erin")
        let(session, alice, erin, alarms=[Alarm.EMERGENCY_ADVISED])
        add_medicine(session, alice, ["12:00"])
        remind(session, doses_of(session)[0])
    assert sweep(database) == 1
    assert told(database, MISSED) == []
    assert logged(database) == []


def test_a_worker_that_dies_between_marking_and_telling_has_done_neither(
    database: Database, alice: Person, erin: Person, noon: Any
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["12:00"])
        remind(session, doses_of(session)[0])

    class Killed(BaseException):
        pass

    with patch.object(missed.alarms, "raise_alarm", side_effect=Killed), pytest.raises(Killed):
        sweep(database)
    with database.reading() as session:
        assert session.scalar(
            select(func.count()).select_from(Dose).where(Dose.status == DoseStatus.MISSED)
        ) == 0  # fmt: skip
    assert sweep(database) == 1
    assert told(database, MISSED).count(erin.user_id) == 1


@pytest.mark.commits
def test_workers_that_look_at_once_tell_once(
    database: Database, alice: Person, erin: Person
) -> None:
    with database.unit_of_work() as session:
        for minute in range(6):
            added = add_medicine(session, alice, [f"{minute:02}:30"])
            remind(session, doses_of(session, added.id)[0], clock.now() - timedelta(hours=5))
    counts: list[int] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        with database.unit_of_work() as session:
            counts.append(mark_missed(session))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 6]
    assert told(database, MISSED).count(erin.user_id) == 1


@pytest.mark.commits
@pytest.mark.parametrize("database_kind", ["mariadb"], indirect=True)  # SQLite has one writer
def test_a_worker_leaves_alone_what_another_is_marking(
    database: Database, alice: Person, erin: Person
) -> None:
    with database.unit_of_work() as session:
        added = add_medicine(session, alice, ["00:30"])
        remind(session, doses_of(session, added.id)[0], clock.now() - timedelta(hours=5))
    with database.unit_of_work() as first:
        assert mark_missed(first) == 1
        with database.unit_of_work() as second:
            assert mark_missed(second) == 0
    assert told(database, MISSED).count(erin.user_id) == 1


def test_nothing_to_find_costs_one_query(database: Database, alice: Person, noon: Any) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["08:00", "20:00"])
    with database.unit_of_work() as session, counted(session) as queries:
        assert mark_missed(session) == 0
    assert len(queries) == 1
