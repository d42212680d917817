"""Opening a record in an emergency: for a time, with a reason, and never unseen."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import Membership
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import (
    Conflict,
    DomainError,
    NotFound,
    PermissionDenied,
    TooManyRequests,
)
from medical_ai.jobs.models import Job
from medical_ai.medications import service as medications
from medical_ai.notifications.models import Notice
from medical_ai.patients import break_glass, care_team, details
from medical_ai.patients import service as patients
from medical_ai.patients.models import BreakGlassGrant
from medical_ai.patients.schemas import BreakGlassRead
from tests.support.medicines import MEDICINE, add_medicine
from tests.support.patients import REASON, write_details
from tests.support.people import Cast, Person, create_patient_account, record_of

TAGS = ("break-glass:opened", "patient:record:viewed", "patient:listed")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def carla(database: Database, people: Cast) -> Person:
    """A patient of Alice's hospital whom nobody looks after."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "carla")


@pytest.fixture
def code(session: Session, carla: Person) -> str:
    """Carla's code."""
    return record_of(session, carla).code


def open_it(session: Session, person: Person, code: str) -> BreakGlassRead:
    """Break the glass."""
    opened = break_glass.break_glass(session, actor=person.actor, code=code, reason=REASON)
    session.flush()
    return opened


def opens(session: Session, person: Person, code: str) -> str:
    """Return why somebody may open a record; nothing where they may not."""
    try:
        found = details.get_patient_details(session, actor=person.actor, code=code)
    except (NotFound, PermissionDenied):
        return ""
    return found.basis.value


def notices(session: Session) -> dict[str, list[object]]:
    """Return who was told what."""
    session.flush()
    told: dict[str, list[object]] = {}
    for one in session.scalars(select(Notice).order_by(Notice.created_at)):
        told.setdefault(one.kind.value, []).append(one.user_id)
    return told


def test_it_opens_the_record_until_its_time_is_over(
    session: Session, people: Cast, carla: Person, code: str
) -> None:
    with time_machine.travel(NOON, tick=False) as traveller:
        write_details(session, carla)
        add_medicine(session, carla, ["08:00"])
        assert opens(session, people.bob, code) == ""
        opened = open_it(session, people.bob, code)
        assert opened.expires_at == NOON + timedelta(minutes=60)
        assert opens(session, people.bob, code) == "break-glass"
        record = record_of(session, carla)
        listed = medications.list_medications(session, actor=people.bob.actor, patient=record)
        assert [one.name for one in listed] == [MEDICINE]
        traveller.move_to(NOON + timedelta(minutes=59, seconds=59))
        assert opens(session, people.bob, code) == "break-glass"
        traveller.move_to(NOON + timedelta(minutes=60))
        assert opens(session, people.bob, code) == ""
        with pytest.raises(NotFound):
            medications.list_medications(session, actor=people.bob.actor, patient=record)


@pytest.mark.settings(break_glass_minutes=5)
def test_how_long_is_a_setting(session: Session, people: Cast, code: str) -> None:
    with time_machine.travel(NOON, tick=False):
        opened = open_it(session, people.bob, code)
    assert opened.expires_at == NOON + timedelta(minutes=5)


def test_it_opens_for_nobody_else_and_nothing_else(
    session: Session, people: Cast, code: str
) -> None:
    other = record_of(session, create_patient_account(session, "diana")).code
    open_it(session, people.bob, code)
    assert opens(session, people.bob, other) == ""
    for person in (people.nina, people.charlie, people.alice):
        assert opens(session, person, code) == ""


@pytest.mark.parametrize("name", ["alice", "nina"])
def test_it_opens_nothing_to_whoever_is_no_doctor_any_more(
    session: Session, people: Cast, code: str, name: str
) -> None:
    open_it(session, people.bob, code)
    other = getattr(people, name).actor
    bob = replace(people.bob.actor, role=other.role, permissions=other.permissions)
    assert opens(session, replace(people.bob, actor=bob), code) == ""


@pytest.mark.parametrize(
    ("name", "error"),
    [("alice", PermissionDenied), ("nina", PermissionDenied), ("bill", PermissionDenied),
     ("dana", PermissionDenied), ("charlie", NotFound)],
)  # fmt: skip
def test_only_doctors_of_the_hospital_may(
    session: Session, people: Cast, code: str, name: str, error: type[DomainError]
) -> None:
    with pytest.raises(error):
        open_it(session, getattr(people, name), code)
    assert session.scalar(select(func.count(BreakGlassGrant.id))) == 0


def test_a_record_that_is_open_already_is_a_conflict(
    session: Session, people: Cast, alice: Person, code: str
) -> None:
    with pytest.raises(Conflict):
        open_it(session, people.bob, record_of(session, alice).code)
    open_it(session, people.bob, code)
    with pytest.raises(Conflict):
        open_it(session, people.bob, code)


def test_the_patient_and_every_working_administrator_are_told_at_once(
    session: Session, people: Cast, carla: Person, code: str
) -> None:
    opened = open_it(session, people.bob, code)
    assert notices(session) == {
        "break-glass-opened": [carla.user_id],
        "break-glass-review": [people.dana.user_id],
    }
    openings = break_glass.list_own_openings(session, actor=carla.actor)
    assert [(one.opened_by, one.until) for one in openings] == [("Bob", opened.expires_at)]
    assert break_glass.list_own_openings(session, actor=people.alice.actor) == []
    session.execute(
        update(Membership)
        .where(Membership.user_id == people.dana.user_id)
        .values(suspended_at=clock.now())
    )
    open_it(session, people.bob, record_of(session, create_patient_account(session, "dia")).code)
    assert notices(session)["break-glass-review"] == [people.dana.user_id]


@pytest.mark.settings(smtp_host="127.0.0.1")
def test_mail_and_jobs_carry_neither_reason_nor_code(
    session: Session, people: Cast, code: str
) -> None:
    open_it(session, people.bob, code)
    payloads = [job.payload for job in session.scalars(select(Job))]
    assert sorted(one["notice"] for one in payloads) == ["break-glass-opened", "break-glass-review"]
    assert all(set(one) == {"user_id", "notice"} for one in payloads)


def test_the_audit_says_so_and_every_look_after_it_carries_the_basis(
    database: Database, people: Cast, carla: Person
) -> None:
    with database.unit_of_work() as session:
        code = record_of(session, carla).code
        opened = open_it(session, people.bob, code)
    with database.unit_of_work() as session:
        opens(session, people.bob, code)
    with database.reading() as session:
        events = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.actor_user_id == people.bob.user_id, AuditEvent.tag.in_(TAGS))
            .order_by(AuditEvent.at)
        ).all()
    assert [(one.tag, one.basis) for one in events] == [
        ("break-glass:opened", "break-glass"),
        ("patient:record:viewed", "break-glass"),
    ]
    assert events[0].subject_id == opened.id
    assert "Zyxreason" not in str([one.details for one in events])


def test_it_can_be_closed_before_its_time(session: Session, people: Cast, code: str) -> None:
    open_it(session, people.bob, code)
    break_glass.close_glass(session, actor=people.bob.actor, code=code)
    session.flush()
    assert opens(session, people.bob, code) == ""
    with pytest.raises(NotFound):
        break_glass.close_glass(session, actor=people.bob.actor, code=code)
    open_it(session, people.bob, code)
    assert opens(session, people.bob, code) == "break-glass"


def test_care_of_ones_own_is_not_closed_like_an_emergency(
    session: Session, people: Cast, alice: Person
) -> None:
    with pytest.raises(NotFound):
        break_glass.close_glass(
            session, actor=people.bob.actor, code=record_of(session, alice).code
        )


def test_who_is_there_in_an_emergency_cannot_stay_for_good(
    session: Session, people: Cast, code: str
) -> None:
    open_it(session, people.bob, code)
    with pytest.raises(PermissionDenied):
        care_team.add_care(session, actor=people.bob.actor, code=code, email="bob@example.org")


@pytest.mark.settings(break_glass_per_day=2)
def test_beyond_the_days_number_it_is_refused_and_alarms_once(
    database: Database, people: Cast
) -> None:
    def codes(number: int) -> list[str]:
        with database.unit_of_work() as session:
            made = [create_patient_account(session, f"p{one}") for one in range(number)]
            return [record_of(session, one).code for one in made]

    found = codes(4)
    with time_machine.travel(NOON, tick=False) as traveller:
        for code in found[:2]:
            with database.unit_of_work() as session:
                open_it(session, people.bob, code)
            traveller.shift(timedelta(hours=1))
        for wanted in (found[2], "BADOM"):
            with pytest.raises(TooManyRequests) as refusal, database.unit_of_work() as session:
                open_it(session, people.bob, wanted)
            assert refusal.value.retry_after_seconds == 22 * 3600 + 1
        with database.unit_of_work() as session:
            told = notices(session)
            assert told["break-glass-alarm"] == [people.dana.user_id]
            refused = select(func.count(AuditEvent.id)).where(
                AuditEvent.tag == "break-glass:refused"
            )
            assert session.scalar(refused) == 2
        traveller.move_to(NOON + timedelta(hours=24, seconds=1))
        with database.unit_of_work() as session:
            open_it(session, people.bob, found[2])
        with pytest.raises(TooManyRequests), database.unit_of_work() as session:
            open_it(session, people.bob, found[3])
        with database.unit_of_work() as session:  # another day, another alarm
            assert len(notices(session)["break-glass-alarm"]) == 2


@pytest.mark.commits
@pytest.mark.settings(break_glass_per_day=3)
def test_many_at_once_do_not_slip_under_the_days_number(database: Database, people: Cast) -> None:
    with database.unit_of_work() as session:
        made = [create_patient_account(session, f"p{one}") for one in range(8)]
        codes = [record_of(session, one).code for one in made]
    outcomes: list[str] = []

    def run(code: str) -> None:
        try:
            with database.unit_of_work() as session:
                open_it(session, people.bob, code)
            outcomes.append("opened")
        except DomainError as error:
            outcomes.append(error.slug)

    threads = [threading.Thread(target=run, args=(code,)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["opened"] * 3 + ["too-many-requests"] * 5


def test_administrators_read_the_reasons_and_mark_them(
    session: Session, people: Cast, code: str
) -> None:
    opened = open_it(session, people.bob, code)
    listed, following = break_glass.list_openings(session, actor=people.dana.actor)
    assert [(one.opened_by, one.code, one.reason, one.reviewed_at) for one in listed] == [
        ("Bob", code, REASON, None)
    ]
    assert following is None
    for _ in range(2):
        break_glass.mark_reviewed(session, actor=people.dana.actor, grant_id=opened.id)
    session.flush()
    [one] = break_glass.list_openings(session, actor=people.dana.actor)[0]
    assert (one.reviewed_by, one.reviewed_at is not None) == ("Dana", True)
    reviews = select(func.count(AuditEvent.id)).where(AuditEvent.tag == "break-glass:reviewed")
    assert session.scalar(reviews) == 1
    for person in (people.alice, people.bob, people.nina, people.bill, people.charlie):
        with pytest.raises(PermissionDenied):
            break_glass.list_openings(session, actor=person.actor)
        with pytest.raises(PermissionDenied):
            break_glass.mark_reviewed(session, actor=person.actor, grant_id=opened.id)


def test_a_reason_moved_to_another_opening_does_not_open(
    session: Session, people: Cast, code: str
) -> None:
    open_it(session, people.bob, code)
    break_glass.close_glass(session, actor=people.bob.actor, code=code)
    open_it(session, people.bob, code)
    first, second = session.scalars(select(BreakGlassGrant).order_by(BreakGlassGrant.id))
    assert REASON.encode() not in first.reason_sealed
    second.reason_sealed = first.reason_sealed
    session.flush()
    with pytest.raises(Exception, match="does not belong here"):
        break_glass.list_openings(session, actor=people.dana.actor)


def test_a_record_whose_key_is_gone_is_not_opened(
    session: Session, people: Cast, carla: Person, code: str
) -> None:
    record = record_of(session, carla)
    session.get_one(patients.Patient, record.id).data_key_sealed = None
    session.flush()
    with pytest.raises(NotFound):
        open_it(session, people.bob, code)
