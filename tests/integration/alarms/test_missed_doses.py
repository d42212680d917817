"""A missed dose is told once, to whom the patient chose, and to nobody else."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.medications import missed, service
from medical_ai.medications.missed import mark_missed
from medical_ai.medications.models import Dose
from medical_ai.medications.states import DoseStatus
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients.consent import Alarm
from tests.integration.alarms.telling import NOON, logged, told
from tests.integration.test_caregivers import let
from tests.support.medicines import add_medicine, doses_of
from tests.support.people import Person, create_patient_account
from tests.support.queries import counted

MISSED_AT = NOON + timedelta(hours=4, minutes=1)
MISSED = NoticeKind.CARE_DOSE_MISSED


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
