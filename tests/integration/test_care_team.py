"""Who looks after a patient, on which ward, and what the patient has to say to it."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth.models import Membership
from medical_ai.auth.permissions import Permission
from medical_ai.core import clock
from medical_ai.core.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from medical_ai.notifications.models import Notice
from medical_ai.patients import care_team, details, ward_stays
from medical_ai.patients import service as patients
from medical_ai.patients.models import CareRelationship, WardStay
from medical_ai.patients.schemas import WardStayUpdate
from medical_ai.tenancy import wards
from tests.support.patients import put_on_ward
from tests.support.people import ALICES_CODE, Cast, Person, create_patient_account, record_of


def add(session: Session, person: Person, email: str, code: str = ALICES_CODE) -> UUID:
    """Let a colleague look after a patient; return the care's id."""
    added = care_team.add_care(session, actor=person.actor, code=code, email=email)
    session.flush()
    return added.id


def is_open_to(session: Session, person: Person, code: str = ALICES_CODE) -> bool:
    """Tell whether somebody may open a patient."""
    try:
        details.get_patient_details(session, actor=person.actor, code=code)
    except NotFound:
        return False
    return True


def move(session: Session, person: Person, ward_id: UUID | None) -> str | None:
    """Put Alice on a ward; return which one she is on then."""
    stay = ward_stays.set_ward(
        session, actor=person.actor, code=ALICES_CODE, data=WardStayUpdate(ward_id=ward_id)
    )
    session.flush()
    return stay.ward


def told(session: Session, kind: str) -> list[UUID]:
    """Return who was told of something."""
    session.flush()
    return [one.user_id for one in session.scalars(select(Notice)) if one.kind.value == kind]


@pytest.mark.parametrize("by", ["bob", "dana"])
def test_a_colleague_who_is_added_sees_the_patient_and_the_patient_is_told(
    session: Session, people: Cast, by: str
) -> None:
    assert not is_open_to(session, people.nina)
    add(session, getattr(people, by), " NINA@example.org ")
    assert is_open_to(session, people.nina)
    assert told(session, "care-started") == [people.alice.user_id]
    team = care_team.list_own_care_team(session, actor=people.alice.actor)
    assert [(one.name, one.role) for one in team] == [("Bob", "doctor"), ("Nina", "nurse")]
    seen = care_team.list_care_team(session, actor=people.nina.actor, code=ALICES_CODE)
    assert seen == team


@pytest.mark.parametrize(
    "email",
    ["charlie@example.org", "bill@example.org", "dana@example.org", "alice@example.org",
     "nobody@example.org", "%"],
)  # fmt: skip
def test_only_doctors_and_nurses_of_the_hospital_can_be_added(
    session: Session, people: Cast, email: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add(session, people.dana, email)
    assert [one.loc for one in refusal.value.fields] == ["email"]
    assert email not in refusal.value.fields[0].message


def test_who_is_suspended_cannot_be_added(session: Session, people: Cast) -> None:
    session.execute(
        update(Membership)
        .where(Membership.user_id == people.nina.user_id)
        .values(suspended_at=clock.now())
    )
    with pytest.raises(InvalidInput):
        add(session, people.dana, "nina@example.org")


def test_nobody_is_added_twice_and_who_left_can_come_back(session: Session, people: Cast) -> None:
    with pytest.raises(Conflict):
        add(session, people.dana, "bob@example.org")
    care_id = add(session, people.dana, "nina@example.org")
    care_team.end_care(session, actor=people.bob.actor, code=ALICES_CODE, care_id=care_id)
    session.flush()
    assert not is_open_to(session, people.nina)
    with pytest.raises(NotFound):
        care_team.end_care(session, actor=people.bob.actor, code=ALICES_CODE, care_id=care_id)
    assert add(session, people.dana, "nina@example.org") == care_id
    assert is_open_to(session, people.nina)


def test_care_of_another_patient_is_not_ended_through_this_one(
    session: Session, people: Cast
) -> None:
    carla = record_of(session, create_patient_account(session, "carla")).code
    care_id = add(session, people.dana, "nina@example.org", carla)
    with pytest.raises(NotFound):
        care_team.end_care(session, actor=people.bob.actor, code=ALICES_CODE, care_id=care_id)


def test_a_patient_asks_for_care_to_end_and_the_administrators_hear_it_once(
    session: Session, people: Cast
) -> None:
    [bobs] = care_team.list_own_care_team(session, actor=people.alice.actor)
    for _ in range(2):
        care_team.object_to_care(session, actor=people.alice.actor, care_id=bobs.id)
    assert told(session, "care-objected") == [people.dana.user_id]
    [bobs] = care_team.list_care_team(session, actor=people.dana.actor, code=ALICES_CODE)
    assert bobs.objected_at is not None
    assert is_open_to(session, people.bob)  # until the hospital ended it
    for person, codes in ((people.dana, {bobs.id: ALICES_CODE}), (people.charlie, {}),
                          (people.alice, {}), (people.bob, {bobs.id: ALICES_CODE})):  # fmt: skip
        asked = {bobs.id, uuid4()}
        assert care_team.find_codes(session, actor=person.actor, care_ids=asked) == codes


def test_a_patient_cannot_object_to_care_of_somebody_else(session: Session, people: Cast) -> None:
    carla = create_patient_account(session, "carla")
    care_id = add(session, people.dana, "nina@example.org", record_of(session, carla).code)
    with pytest.raises(NotFound):
        care_team.object_to_care(session, actor=people.alice.actor, care_id=care_id)


def test_changes_of_the_team_are_in_the_log(session: Session, people: Cast) -> None:
    care_id = add(session, people.dana, "nina@example.org")
    care_team.object_to_care(session, actor=people.alice.actor, care_id=care_id)
    care_team.end_care(session, actor=people.dana.actor, code=ALICES_CODE, care_id=care_id)
    session.flush()
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.subject_id == care_id).order_by(AuditEvent.at)
    ).all()
    assert [(one.tag, one.basis) for one in events] == [
        ("care:started", "hospital"),
        ("care:objected", "own"),
        ("care:ended", "hospital"),
    ]


def test_a_nurse_of_the_ward_sees_but_does_not_change_the_team(
    session: Session, people: Cast
) -> None:
    put_on_ward(session, patient=people.alice, nurse=people.nina)
    assert care_team.list_care_team(session, actor=people.nina.actor, code=ALICES_CODE)
    with pytest.raises(PermissionDenied):
        add(session, people.nina, "nina@example.org")


def test_an_administrator_puts_a_patient_on_a_ward_and_its_nurse_sees_her(
    session: Session, people: Cast
) -> None:
    carla = create_patient_account(session, "carla")
    north = put_on_ward(session, patient=carla, nurse=people.nina)
    assert not is_open_to(session, people.nina)
    assert move(session, people.dana, north) == "North"
    assert is_open_to(session, people.nina)
    assert move(session, people.nina, north) == "North"
    assert len(session.scalars(select(WardStay)).all()) == 2  # the same again is nothing new


def test_a_nurse_moves_a_patient_of_hers_on_and_loses_sight_of_her(
    session: Session, people: Cast
) -> None:
    carla = create_patient_account(session, "carla")
    north = put_on_ward(session, patient=people.alice, nurse=people.nina)
    south = put_on_ward(session, patient=carla, name="South")
    assert move(session, people.nina, south) == "South"
    assert not is_open_to(session, people.nina)
    with pytest.raises(NotFound):
        move(session, people.nina, north)
    assert move(session, people.dana, None) is None
    stays = session.scalars(
        select(WardStay).where(WardStay.patient_id == record_of(session, people.alice).id)
    ).all()
    assert len(stays) == 2
    assert all(stay.ended_at is not None for stay in stays)


def test_a_nurse_cannot_bring_a_stranger_onto_her_ward(session: Session, people: Cast) -> None:
    carla = create_patient_account(session, "carla")
    north = put_on_ward(session, patient=carla, nurse=people.nina)
    with pytest.raises(NotFound):
        move(session, people.nina, north)


def test_wards_of_elsewhere_and_closed_ones_are_refused(session: Session, people: Cast) -> None:
    theirs = wards.create_ward(
        session, hospital_id=people.charlie.actor.tenant_id, name="Hillside ward"
    )
    ours = wards.create_ward(session, hospital_id=people.dana.actor.tenant_id, name="Closed")
    wards.set_ward_open(
        session, hospital_id=people.dana.actor.tenant_id, ward_id=ours.id, is_open=False
    )
    for ward_id in (theirs.id, ours.id, uuid4()):
        with pytest.raises(InvalidInput):
            move(session, people.dana, ward_id)
    for person in (people.alice, people.bob, people.bill, people.charlie):
        with pytest.raises(PermissionDenied):
            move(session, person, ours.id)


def test_care_relationships_are_one_for_each_colleague(session: Session, people: Cast) -> None:
    add(session, people.dana, "nina@example.org")
    assert len(session.scalars(select(CareRelationship)).all()) == 2


@pytest.mark.parametrize(("name", "basis"), [("alice", ""), ("dana", "hospital")])
def test_care_opens_nothing_to_whoever_does_other_work_now(
    session: Session, people: Cast, name: str, basis: str
) -> None:
    other = getattr(people, name).actor
    bob = replace(people.bob.actor, role=other.role, permissions=other.permissions)
    record = record_of(session, people.alice)
    for permission in (Permission.MEDICATION_READ, Permission.MEDICATION_WRITE):
        with pytest.raises((NotFound, PermissionDenied)):
            patients.get_patient_for(session, bob, record.id, permission)
    found = ""
    with suppress(NotFound):
        found = patients.get_patient_for(session, bob, record.id, Permission.PATIENT_READ).basis
    assert found == basis
