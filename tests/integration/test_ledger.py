"""Planning doses, answering them, and listing them."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict, InvalidInput
from medical_ai.medications import ledger, missed, reminders, service
from medical_ai.medications.models import Dose, MedicationSchedule
from medical_ai.medications.schemas import MedicationUpdate
from medical_ai.medications.states import DoseStatus
from tests.support.medicines import add_medicine, doses_of, slots_of
from tests.support.people import Person, record_of

# 21 November 2026, noon in Berlin, is a Saturday.
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
TWICE_DAILY = ["08:00", "20:00"]


@pytest.fixture(autouse=True)
def noon() -> object:
    """Let it be noon in Berlin."""
    with time_machine.travel(NOON, tick=True) as traveller:
        yield traveller


def change_times(session: Session, person: Person, medicine: object, times: list[str]) -> None:
    """Give a medicine other times."""
    data = MedicationUpdate.model_validate({"schedules": [{"kind": "times", "times": times}]})
    service.change_medication(session, actor=person.actor, medication_id=medicine.id, data=data)
    session.flush()


def test_the_ledger_begins_with_today_and_runs_four_days_ahead(
    session: Session, alice: Person
) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    assert slots_of(session) == [
        "2026-11-21T08:00",
        "2026-11-21T20:00",
        "2026-11-22T08:00",
        "2026-11-22T20:00",
        "2026-11-23T08:00",
        "2026-11-23T20:00",
        "2026-11-24T08:00",
        "2026-11-24T20:00",
        "2026-11-25T08:00",
    ]


def test_a_dose_that_was_over_when_the_medicine_was_added_is_not_reminded_of(
    session: Session, alice: Person
) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    morning, evening = doses_of(session)[:2]
    assert (morning.status, evening.status) == (DoseStatus.SEEN, DoseStatus.PLANNED)
    assert reminders.claim_due_doses(session) == 0
    with time_machine.travel(NOON + timedelta(days=3)):
        assert missed.mark_missed(session) == 0


def test_doses_follow_the_wall_clock_of_the_patient(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"])
    assert doses_of(session)[0].due_at == datetime(2026, 11, 21, 19, 0, tzinfo=UTC)


def test_a_dose_of_the_present_minute_is_planned(session: Session, alice: Person) -> None:
    with time_machine.travel(NOON + timedelta(seconds=20)):
        add_medicine(session, alice, ["12:00"])
    assert slots_of(session)[0] == "2026-11-21T12:00"


def test_planning_again_adds_nothing(session: Session, alice: Person) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    before = slots_of(session)
    assert ledger.plan_ahead(session) == 0
    assert slots_of(session) == before


def test_the_ledger_is_written_on_as_time_goes_by(session: Session, alice: Person) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    with time_machine.travel(NOON + timedelta(days=1, hours=1)):
        assert ledger.plan_ahead(session) == 2
        session.flush()
    slots = slots_of(session)
    assert slots[-1] == "2026-11-26T08:00"
    assert len(slots) == len(set(slots))


def test_doses_of_a_downtime_are_planned_when_it_is_over(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"])
    with time_machine.travel(NOON + timedelta(days=5)):
        ledger.plan_ahead(session)
        session.flush()
    days = [slot[:10] for slot in slots_of(session)]
    assert days == [f"2026-11-{day}" for day in range(21, 30)]


def test_a_watermark_that_was_lost_plans_no_slot_twice(session: Session, alice: Person) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    before = slots_of(session)
    session.execute(update(MedicationSchedule).values(planned_until=NOON))
    session.expire_all()
    ledger.plan_ahead(session)
    session.flush()
    assert slots_of(session) == before


@pytest.mark.commits
def test_two_workers_that_plan_at_once_write_each_dose_once(
    database: Database, alice: Person
) -> None:
    with database.unit_of_work() as session:
        for number in range(10):
            add_medicine(session, alice, TWICE_DAILY, name=f"Medicine {number}")
        session.execute(update(MedicationSchedule).values(planned_until=NOON - timedelta(days=2)))
        session.execute(Dose.__table__.delete())
    start, written = Barrier(4), []

    def plan() -> None:
        start.wait()
        with database.unit_of_work() as session:
            written.append(ledger.plan_ahead(session))

    threads = [Thread(target=plan) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 4
    with database.reading() as session:
        slots = [(dose.medication_id, dose.slot) for dose in doses_of(session)]
    assert sum(written) == len(slots) == len(set(slots)) == 90


def test_a_medicine_ends_on_its_last_day(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"], end_on="2026-11-22")
    with time_machine.travel(NOON + timedelta(days=5)):
        ledger.plan_ahead(session)
        session.flush()
    assert slots_of(session) == ["2026-11-21T20:00", "2026-11-22T20:00"]


def test_new_times_replace_only_the_doses_to_come(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, TWICE_DAILY)
    change_times(session, alice, medicine, ["21:30"])
    assert slots_of(session) == [f"2026-11-{day}T21:30" for day in range(21, 25)]


def test_changing_the_times_in_the_minute_of_a_dose_does_not_ask_for_it_twice(
    session: Session, alice: Person
) -> None:
    medicine = add_medicine(session, alice, ["12:00", "20:00"])
    first = doses_of(session)[0]
    assert first.slot == "2026-11-21T12:00"
    first.status = DoseStatus.SENT
    session.flush()
    with time_machine.travel(NOON + timedelta(seconds=30)):
        change_times(session, alice, medicine, ["12:00", "21:00"])
    assert slots_of(session).count("2026-11-21T12:00") == 1


def test_a_dose_taken_early_is_not_planned_again_when_the_times_change(
    session: Session, alice: Person
) -> None:
    medicine = add_medicine(session, alice, ["20:00"])
    first = doses_of(session)[0]
    ledger.answer_dose(session, actor=alice.actor, dose_id=first.id, status=DoseStatus.TAKEN)
    change_times(session, alice, medicine, ["20:00", "22:00"])
    assert slots_of(session).count("2026-11-21T20:00") == 1


def test_stopping_takes_the_future_back_and_keeps_the_past(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, TWICE_DAILY)
    first = doses_of(session)[0]
    ledger.answer_dose(session, actor=alice.actor, dose_id=first.id, status=DoseStatus.TAKEN)
    service.stop_medication(session, actor=alice.actor, medication_id=medicine.id)
    assert slots_of(session) == [first.slot]
    with time_machine.travel(NOON + timedelta(days=2)):
        assert ledger.plan_ahead(session) == 0


def test_a_dose_is_marked_taken_and_can_be_corrected(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"])
    dose_id = doses_of(session)[0].id
    taken = ledger.answer_dose(session, actor=alice.actor, dose_id=dose_id, status=DoseStatus.TAKEN)
    assert taken.status is DoseStatus.TAKEN
    assert taken.answered_at is not None
    skipped = ledger.answer_dose(
        session, actor=alice.actor, dose_id=dose_id, status=DoseStatus.SKIPPED
    )
    assert skipped.status is DoseStatus.SKIPPED


def test_answering_twice_the_same_keeps_the_first_moment(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"])
    dose_id = doses_of(session)[0].id
    answers = []
    for minutes in (0, 5):
        with time_machine.travel(NOON + timedelta(minutes=minutes)):
            answers.append(
                ledger.answer_dose(
                    session, actor=alice.actor, dose_id=dose_id, status=DoseStatus.TAKEN
                ).answered_at
            )
    assert answers[0] == answers[1]


def test_a_dose_far_ahead_cannot_be_answered(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["20:00"])
    far = doses_of(session)[-1]
    with pytest.raises(Conflict):
        ledger.answer_dose(session, actor=alice.actor, dose_id=far.id, status=DoseStatus.TAKEN)


@pytest.mark.commits
@pytest.mark.parametrize("database_kind", ["mariadb"], indirect=True)  # SQLite has one writer
def test_an_answer_stands_although_the_worker_touches_the_dose_meanwhile(
    database: Database, alice: Person
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, alice, ["20:00"])
        dose_id = doses_of(session)[0].id
    with database.unit_of_work() as patients_turn:
        patients_turn.get_one(Dose, dose_id)  # read before the worker moves it on
        with database.unit_of_work() as workers_turn:
            workers_turn.execute(
                update(Dose).where(Dose.id == dose_id).values(status=DoseStatus.SENT)
            )
        answered = ledger.answer_dose(
            patients_turn, actor=alice.actor, dose_id=dose_id, status=DoseStatus.TAKEN
        )
    assert answered.status is DoseStatus.TAKEN


def test_a_dose_nobody_answered_is_missed_some_hours_after_its_reminder(
    session: Session, alice: Person
) -> None:
    add_medicine(session, alice, ["12:00", "20:00"])
    noon_dose, evening_dose = doses_of(session)[:2]
    noon_dose.status = evening_dose.status = DoseStatus.SENT
    noon_dose.sent_at, evening_dose.sent_at = NOON, NOON + timedelta(hours=8)
    session.flush()
    with time_machine.travel(NOON + timedelta(hours=4, minutes=1)):
        assert missed.mark_missed(session) == 1
    session.expire_all()
    assert (noon_dose.status, evening_dose.status) == (DoseStatus.MISSED, DoseStatus.SENT)


def test_a_dose_whose_reminder_never_got_through_is_missed_a_day_later(
    session: Session, alice: Person
) -> None:
    add_medicine(session, alice, ["12:00"])
    dose = doses_of(session)[0]
    dose.status, dose.claimed_at = DoseStatus.DUE, NOON
    session.flush()
    outcomes = []
    for hours in (23, 25):
        with time_machine.travel(NOON + timedelta(hours=hours)):
            outcomes.append(missed.mark_missed(session))
    assert outcomes == [0, 1]


def test_an_answered_dose_is_never_missed(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["12:00"])
    dose = doses_of(session)[0]
    ledger.answer_dose(session, actor=alice.actor, dose_id=dose.id, status=DoseStatus.SKIPPED)
    with time_machine.travel(NOON + timedelta(days=1, hours=3)):
        missed.mark_missed(session)
    session.expire_all()
    assert dose.status is DoseStatus.SKIPPED


def test_today_is_the_day_of_the_patient(session: Session, alice: Person) -> None:
    add_medicine(session, alice, ["00:30", "20:00"])
    # 23:45 in UTC is already tomorrow in Berlin.
    with time_machine.travel(datetime(2026, 11, 21, 23, 45, tzinfo=UTC)):
        found = ledger.list_doses(session, actor=alice.actor, patient=record_of(session, alice))
    assert [dose.due_local for dose in found] == ["2026-11-22T00:30", "2026-11-22T20:00"]


def test_the_list_has_an_open_end(session: Session, alice: Person) -> None:
    add_medicine(session, alice, TWICE_DAILY)
    doses = doses_of(session)
    found = ledger.list_doses(
        session,
        actor=alice.actor,
        patient=record_of(session, alice),
        start=doses[0].due_at,
        end=doses[1].due_at,
    )
    assert [dose.id for dose in found] == [doses[0].id]


def test_more_than_three_months_at_once_are_refused(session: Session, alice: Person) -> None:
    with pytest.raises(InvalidInput):
        ledger.list_doses(
            session,
            actor=alice.actor,
            patient=record_of(session, alice),
            start=clock.now(),
            end=clock.now() + timedelta(days=93),
        )


@pytest.mark.parametrize(
    ("edge", "moment"),
    [
        ("end", datetime.min.replace(tzinfo=UTC)),
        ("start", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_ends_of_the_calendar_are_refused(
    session: Session, alice: Person, edge: str, moment: datetime
) -> None:
    with pytest.raises(InvalidInput):
        ledger.list_doses(
            session, actor=alice.actor, patient=record_of(session, alice), **{edge: moment}
        )


def test_names_are_sealed_in_the_database(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, TWICE_DAILY, instructions="with zwieback")
    row = session.execute(select(service.Medication.__table__)).mappings().one()
    assert row["id"] == medicine.id
    assert b"Zanubrutinib" not in row["name_sealed"]
    assert b"zwieback" not in row["instructions_sealed"]
