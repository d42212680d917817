"""A patient's list of medicines: adding, changing, stopping."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from medical_ai.audit.tags import AuditTag
from medical_ai.core.errors import Conflict, InvalidInput
from medical_ai.mcp_tools.service import get_registry
from medical_ai.medications import ledger, service
from medical_ai.medications.schemas import MedicationRead, MedicationUpdate
from medical_ai.medications.states import DoseStatus, MedicationStatus
from tests.integration.test_accounts import tags_of
from tests.support.medicines import add_medicine, doses_of, slots_of
from tests.support.people import Person, record_of

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Let it be noon in Berlin."""
    with time_machine.travel(NOON, tick=True):
        yield


def change(session: Session, person: Person, medicine: MedicationRead, **data: Any) -> Any:
    """Change a medicine as the endpoint does."""
    update = MedicationUpdate.model_validate(data, strict=False)
    changed = service.change_medication(
        session, actor=person.actor, medication_id=medicine.id, data=update
    )
    session.flush()
    return changed


def names_on_list(session: Session, person: Person, **more: Any) -> list[str]:
    """Return the names on a patient's list."""
    record = record_of(session, person)
    found = service.list_medications(session, actor=person.actor, patient=record, **more)
    return [one.name for one in found]


def test_a_medicine_is_read_back_as_it_was_added(session: Session, alice: Person) -> None:
    added = add_medicine(
        session, alice, ["20:00", "08:00"], name="Ibuprofen 400 mg ✨", instructions="after\nmeals"
    )
    read = service.get_medication(session, actor=alice.actor, medication_id=added.id)
    assert (read.name, read.instructions) == ("Ibuprofen 400 mg ✨", "after\nmeals")
    assert read.schedules[0].times == ["08:00", "20:00"]
    assert read.summary == "every day at 08:00 and 20:00"
    assert read.start_on == date(2026, 11, 21)


def test_the_list_is_in_order_of_names(session: Session, alice: Person) -> None:
    for name in ("metformin", "Zoloft", "Amlodipine"):
        add_medicine(session, alice, ["08:00"], name=name)
    assert names_on_list(session, alice) == ["Amlodipine", "metformin", "Zoloft"]


def test_a_changed_name_is_sealed_anew_and_keeps_the_doses(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["20:00"])
    before = [dose.id for dose in doses_of(session)]
    assert change(session, alice, medicine, name="Amlodipine 10 mg").name == "Amlodipine 10 mg"
    assert [dose.id for dose in doses_of(session)] == before


def test_an_end_takes_back_the_doses_after_it(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["20:00"])
    change(session, alice, medicine, end_on="2026-11-21")
    assert slots_of(session) == ["2026-11-21T20:00"]


def test_an_end_can_be_taken_back(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["20:00"], end_on="2026-11-21")
    assert change(session, alice, medicine, end_on=None).end_on is None
    assert slots_of(session)[:2] == ["2026-11-21T20:00", "2026-11-22T20:00"]


def test_leaving_the_end_out_keeps_it(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["20:00"], end_on="2026-11-21")
    assert change(session, alice, medicine, name="Other").end_on == date(2026, 11, 21)


def test_a_last_day_that_is_over_is_refused(session: Session, alice: Person) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add_medicine(session, alice, ["20:00"], end_on="2026-11-20")
    assert [field.loc for field in refusal.value.fields] == ["end_on"]


def test_the_list_is_bounded(session: Session, alice: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr(service, "MAX_ACTIVE", 2)
    for _ in range(2):
        add_medicine(session, alice, ["08:00"])
    with pytest.raises(Conflict):
        add_medicine(session, alice, ["08:00"])


def test_a_stopped_medicine_leaves_the_list_and_cannot_be_changed(
    session: Session, alice: Person
) -> None:
    medicine = add_medicine(session, alice, ["08:00"])
    service.stop_medication(session, actor=alice.actor, medication_id=medicine.id)
    service.stop_medication(session, actor=alice.actor, medication_id=medicine.id)
    session.flush()
    assert names_on_list(session, alice) == []
    assert names_on_list(session, alice, include_stopped=True) == [medicine.name]
    read = service.get_medication(session, actor=alice.actor, medication_id=medicine.id)
    assert read.status is MedicationStatus.STOPPED
    assert tags_of(session).count(AuditTag.MEDICATION_STOPPED.value) == 1
    with pytest.raises(Conflict):
        change(session, alice, medicine, name="Other")


def test_the_next_dose_leaves_out_what_was_taken_already(session: Session, alice: Person) -> None:
    first = add_medicine(session, alice, ["20:00"], name="Amlodipine")
    add_medicine(session, alice, ["20:00"], name="Metformin")
    taken = doses_of(session, first.id)[0].id
    ledger.answer_dose(session, actor=alice.actor, dose_id=taken, status=DoseStatus.TAKEN)
    result = get_registry().call(session, actor=alice.actor, name="get_next_dose", arguments={})
    assert [row["medication"] for row in result.rows] == ["Metformin"]


def test_a_dose_due_this_minute_is_the_next_until_it_is_answered(
    session: Session, alice: Person
) -> None:
    add_medicine(session, alice, ["12:00", "20:00"])
    with time_machine.travel(NOON + timedelta(seconds=40)):
        result = get_registry().call(session, actor=alice.actor, name="get_next_dose", arguments={})
    assert [row["due_local"] for row in result.rows] == ["2026-11-21T12:00"]


def test_a_new_strength_does_not_rewrite_what_was_taken(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["08:00"], name="warfarin 3 mg")
    doses_of(session)[0].status = DoseStatus.TAKEN
    session.flush()
    change(session, alice, medicine, name="warfarin 5 mg")
    for dose in doses_of(session):
        read = ledger.get_dose(session, actor=alice.actor, dose_id=dose.id)
        was_taken = read.status is DoseStatus.TAKEN
        assert read.medication == ("warfarin 3 mg" if was_taken else "warfarin 5 mg")


def test_a_stopped_medicine_shows_the_times_it_had_last(session: Session, alice: Person) -> None:
    medicine = add_medicine(session, alice, ["08:00", "20:00"])
    change(session, alice, medicine, schedules=[{"kind": "times", "times": ["21:30"]}])
    service.stop_medication(session, actor=alice.actor, medication_id=medicine.id)
    read = service.get_medication(session, actor=alice.actor, medication_id=medicine.id)
    assert read.summary == "every day at 21:30"
