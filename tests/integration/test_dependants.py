"""Keeping the record of somebody who cannot: how long, how much, and how it is handed over."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from medical_ai.auth.permissions import Permission
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict, DomainError, InvalidInput, NotFound
from medical_ai.medications import ledger
from medical_ai.medications import service as medications
from medical_ai.medications.states import DoseStatus
from medical_ai.patients import dependants, people
from medical_ai.patients import service as patients
from medical_ai.patients.care_schemas import (
    DependantCreate,
    DependantUpdate,
    HandoverAccept,
    HandoverCreate,
    PersonRead,
)
from medical_ai.patients.consent import Share
from medical_ai.patients.details import get_own_details
from medical_ai.patients.directory import list_patients
from medical_ai.patients.schemas import Basis, CareKind, PatientsQuery
from tests.support.medicines import add_medicine, doses_of, medicine_of
from tests.support.patients import write_details
from tests.support.people import Person, create_patient_account, record_of
from tests.support.queries import counted

TODAY = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
WRITE = Permission.MEDICATION_WRITE


@pytest.fixture
def emma(database: Database) -> Person:
    """Alice's child, with an account of her own that nothing is in."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "emma")


def add(session: Session, by: Person, **more: Any) -> PersonRead:
    """Open the record of a child of nine."""
    given = {
        "name": "Emma",
        "birth_date": "2017-03-05",
        "timezone": "Europe/Berlin",
        "relationship": "child",
        "ends_on": "2035-03-05",
    }
    data = DependantCreate.model_validate(given | more, strict=False)
    return dependants.create_dependant(session, actor=by.actor, data=data)


def hand_over(session: Session, by: Person, child: PersonRead) -> str:
    """Offer the record and return the secret of the link."""
    offered = dependants.offer_handover(
        session,
        actor=by.actor,
        dependant_id=child.id,
        data=HandoverCreate(email="emma@example.net"),
    )
    assert offered.link is not None
    return offered.link.partition("#")[2]


def test_a_proxy_manages_medicines_and_doses(session: Session, alice: Person) -> None:
    with time_machine.travel(TODAY):
        child = add(session, alice)
        record = patients.get_patient_for(session, alice.actor, child.patient_id, WRITE)
        assert record.basis is Basis.PROXY
        medications.add_medication(
            session, actor=alice.actor, patient=record, data=medicine_of(["13:00"])
        )
        session.flush()
        dose = doses_of(session)[0]
        marked = ledger.answer_dose(
            session, actor=alice.actor, dose_id=dose.id, status=DoseStatus.TAKEN
        )
    assert marked.status is DoseStatus.TAKEN
    assert (child.name, child.kind, child.birth_date) == (
        "Emma", CareKind.PROXY, date(2017, 3, 5),
    )  # fmt: skip


def test_nobody_else_comes_to_the_record(
    session: Session, alice: Person, bob: Person, nina: Person, charlie: Person
) -> None:
    child = add(session, alice)
    for other in (bob, nina, charlie):
        with pytest.raises(NotFound):
            patients.get_patient_for(session, other.actor, child.patient_id, "medication:read")
        with pytest.raises(DomainError):
            dependants.change_end(
                session,
                actor=other.actor,
                dependant_id=child.id,
                data=DependantUpdate(ends_on=date(2030, 1, 1)),
            )


def test_it_ends_on_the_eighteenth_birthday_at_the_latest(session: Session, alice: Person) -> None:
    with time_machine.travel(TODAY):
        child = add(session, alice)
        with pytest.raises(InvalidInput):
            add(session, alice, ends_on="2035-03-06")
    with time_machine.travel(datetime(2035, 3, 5, 22, 0, tzinfo=UTC)):
        patients.get_patient_for(session, alice.actor, child.patient_id, WRITE)
    with time_machine.travel(datetime(2035, 3, 5, 23, 0, 1, tzinfo=UTC)):
        with pytest.raises(NotFound):
            patients.get_patient_for(session, alice.actor, child.patient_id, WRITE)
        with pytest.raises(NotFound):  # who is out cannot let themselves in again
            dependants.change_end(
                session,
                actor=alice.actor,
                dependant_id=child.id,
                data=DependantUpdate(ends_on=date(2035, 3, 5)),
            )


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"birth_date": None}, "birth_date"),
        ({"birth_date": "2027-01-01"}, "birth_date"),
        ({"birth_date": "2000-01-01"}, "birth_date"),
        ({"ends_on": "2026-11-20"}, "ends_on"),
        ({"relationship": "adult", "ends_on": "2028-01-01"}, "ends_on"),
    ],
)
def test_days_that_make_no_sense_are_named(
    session: Session, alice: Person, more: dict[str, Any], field: str
) -> None:
    with time_machine.travel(TODAY), pytest.raises(InvalidInput) as refusal:
        add(session, alice, **more)
    assert [one.loc for one in refusal.value.fields] == [field]


def test_an_adult_is_decided_for_a_year_at_a_time(session: Session, alice: Person) -> None:
    with time_machine.travel(TODAY):
        one = add(session, alice, relationship="adult", birth_date=None, ends_on="2027-11-21")
    with time_machine.travel(datetime(2027, 10, 1, tzinfo=UTC)):
        moved = dependants.change_end(
            session,
            actor=alice.actor,
            dependant_id=one.id,
            data=DependantUpdate(ends_on=date(2028, 9, 30)),
        )
    assert moved.ends_on == date(2028, 9, 30)


@pytest.mark.parametrize("keeps", [True, False])
def test_the_child_takes_the_record_over_and_decides_who_stays(
    session: Session, alice: Person, emma: Person, keeps: bool
) -> None:
    child = add(session, alice)
    token = hand_over(session, alice, child)
    data = HandoverAccept(token=token, keeps_caregiver=keeps)
    assert dependants.take_over(session, actor=emma.actor, data=data).id == child.patient_id
    assert record_of(session, emma).code == child.code
    with pytest.raises(NotFound):
        patients.get_patient_for(session, alice.actor, child.patient_id, WRITE)
    left = people.list_people(session, actor=alice.actor)
    assert [(one.kind, one.shares) for one in left] == (
        [(CareKind.CAREGIVER, [Share.MEDICINES])] if keeps else []
    )
    with pytest.raises(NotFound):
        dependants.take_over(session, actor=emma.actor, data=data)


def test_an_account_with_medicines_of_its_own_keeps_its_record(
    session: Session, alice: Person, emma: Person
) -> None:
    add_medicine(session, emma, ["08:00"])
    own = record_of(session, emma).code
    token = hand_over(session, alice, add(session, alice))
    with pytest.raises(Conflict):
        dependants.take_over(session, actor=emma.actor, data=HandoverAccept(token=token))
    assert record_of(session, emma).code == own


def test_an_account_with_details_of_its_own_keeps_its_record(
    session: Session, alice: Person, emma: Person
) -> None:
    write_details(session, emma)
    token = hand_over(session, alice, add(session, alice))
    with pytest.raises(Conflict):
        dependants.take_over(session, actor=emma.actor, data=HandoverAccept(token=token))
    assert get_own_details(session, actor=emma.actor).name is not None


def test_a_record_that_is_let_go_is_nobodys_and_cannot_be_read(
    session: Session, alice: Person, dana: Person, emma: Person
) -> None:
    former = record_of(session, emma)
    token = hand_over(session, alice, add(session, alice))
    dependants.take_over(session, actor=emma.actor, data=HandoverAccept(token=token))
    found, _ = list_patients(session, actor=dana.actor, query=PatientsQuery(query=former.code))
    assert found == []
    with pytest.raises(NotFound):
        patients.get_patient_by_code_for(session, dana.actor, former.code, "patient:read")


def test_the_proxy_cannot_take_the_record_for_themselves(session: Session, alice: Person) -> None:
    token = hand_over(session, alice, add(session, alice))
    with pytest.raises(Conflict):
        dependants.take_over(session, actor=alice.actor, data=HandoverAccept(token=token))


@pytest.mark.commits
def test_people_are_listed_by_as_many_queries_however_many(
    database: Database, alice: Person
) -> None:
    def list_them() -> int:
        with database.unit_of_work() as session, counted(session) as sent:
            assert people.list_people(session, actor=alice.actor)
        return len(sent)

    with database.unit_of_work() as session:
        add(session, alice)
    few = list_them()
    with database.unit_of_work() as session:
        for _ in range(3):
            add(session, alice)
    assert list_them() == few
