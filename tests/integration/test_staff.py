"""Staff, their wards, their invitations: what administrators can do, and what nobody can."""

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth import service
from medical_ai.auth.models import (
    Membership,
    OneTimeToken,
    StaffInvitation,
    TokenFamily,
    User,
    WardAssignment,
)
from medical_ai.auth.permissions import Role
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.auth.schemas import SignIn, SignUp, Tokens
from medical_ai.auth.service import Client
from medical_ai.auth.staff_schemas import (
    InvitationAccept,
    InvitationCreate,
    InvitationCreated,
    StaffUpdate,
    WardCreate,
    WardUpdate,
)
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.core.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from medical_ai.notifications.models import Notice
from medical_ai.patients import service as patients
from medical_ai.patients.models import CareRelationship, WardStay
from tests.support.people import PASSWORD, Cast, Person, create_patient_account, record_of

BROWSER = Client("192.0.2.1", "Firefox")
NEWCOMER = InvitationAccept(username="Nora", password=PASSWORD, timezone="Europe/Berlin")
READ = "record:read"


def membership_of(session: Session, person: Person) -> UUID:
    """Return the id of a person's membership in their first hospital."""
    return session.scalars(
        select(Membership.id).where(
            Membership.user_id == person.user_id, Membership.hospital_id == person.actor.tenant_id
        )
    ).one()


def change(session: Session, by: Person, of: Person, **values: object) -> None:
    """Let one person change another."""
    service.change_member(
        session,
        actor=by.actor,
        membership_id=membership_of(session, of),
        data=StaffUpdate.model_validate(values),
    )


def promote(session: Session, dana: Person, *others: Person) -> None:
    """Make others administrators, too."""
    for other in others:
        change(session, dana, other, role=Role.ADMINISTRATOR)


def invite(session: Session, dana: Person, email: str, **values: object) -> InvitationCreated:
    """Invite an address as a nurse."""
    data = InvitationCreate.model_validate({"email": email, "role": Role.NURSE} | values)
    return service.invite(session, actor=dana.actor, data=data)


def token_of(created: InvitationCreated) -> str:
    """Return the token in an invitation's link."""
    assert created.link is not None
    return created.link.partition("#")[2]


def sign_in(database: Database, person: Person) -> Tokens:
    """Sign a person in."""
    with database.unit_of_work() as session:
        data = SignIn(email=person.email, password=PASSWORD)
        return service.sign_in(session, data=data, client=BROWSER)


def actor_in(session: Session, person: Person) -> Actor:
    """Return a person as they are with a session of their own."""
    family = TokenFamily(user_id=person.user_id, hospital_id=person.actor.tenant_id)
    session.add(family)
    session.flush()
    return Actor(
        person.user_id, person.actor.tenant_id, person.role, person.actor.permissions,
        person.name, "api", family.id,
    )  # fmt: skip


def test_the_staff_list_holds_ones_own_staff_and_no_patient(session: Session, people: Cast) -> None:
    found = service.list_staff(session, actor=people.dana.actor)
    assert [one.name for one in found] == ["Bill", "Bob", "Dana", "Nina"]
    assert [one.name for one in found if one.is_you] == ["Dana"]


def test_the_staff_list_is_paged_by_name(session: Session, dana: Person) -> None:
    names, after = [], None
    while page := service.list_staff(session, actor=dana.actor, after_id=after, limit=3):
        names += [one.name for one in page]
        after = page[-1].id
    assert names == ["Bill", "Bob", "Dana", "Nina"]
    with pytest.raises(NotFound):
        service.list_staff(session, actor=dana.actor, after_id=uuid4())


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill"])
def test_only_administrators_manage_staff(session: Session, people: Cast, name: str) -> None:
    caller = getattr(people, name)
    with pytest.raises(PermissionDenied):
        service.list_staff(session, actor=caller.actor)
    with pytest.raises(PermissionDenied):
        change(session, caller, people.bob, role=Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        invite(session, caller, "new@example.org")
    with pytest.raises(PermissionDenied):
        service.create_ward(session, actor=caller.actor, data=WardCreate(name="Ward Z"))


def test_another_hospitals_staff_and_patients_are_not_there(session: Session, people: Cast) -> None:
    for other in (people.charlie, people.alice):
        with pytest.raises(NotFound):
            change(session, people.dana, other, suspended=True)
        with pytest.raises(NotFound):
            service.remove_member(
                session,
                actor=people.dana.actor,
                membership_id=membership_of(session, other),
            )


def test_losing_a_role_ends_the_sessions_there_and_tells_the_person(
    database: Database, people: Cast
) -> None:
    granted = sign_in(database, people.bob)
    with database.unit_of_work() as session:
        change(session, people.dana, people.bob, role=Role.NURSE)
    with database.reading() as session:
        family = session.scalars(
            select(TokenFamily).where(TokenFamily.user_id == people.bob.user_id)
        ).one()
        assert family.revoked_because == "role changed"
        notice = session.scalars(select(Notice)).one()
        assert (notice.user_id, notice.kind) == (people.bob.user_id, "staff-role-changed")
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.tag == "staff:role:changed")
        ).one()
        assert (event.details["before"], event.details["after"]) == ("doctor", "nurse")
        assert event.actor_user_id == people.dana.user_id
    assert sign_in(database, people.bob).user.role == "nurse"
    assert granted.user.role == "doctor"


def test_who_is_suspended_cannot_sign_in_until_they_are_let_in_again(
    database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        change(session, people.dana, people.bob, suspended=True)
    with pytest.raises(Exception, match="wrong"):
        sign_in(database, people.bob)
    with database.unit_of_work() as session:
        change(session, people.dana, people.bob, suspended=False)
    assert sign_in(database, people.bob).user.role == "doctor"


@pytest.mark.parametrize("how", ["demote", "suspend", "remove"])
def test_the_last_administrator_stays(session: Session, people: Cast, how: str) -> None:
    dana = people.dana
    promote(session, dana, people.bob)
    change(session, dana, people.bob, suspended=True)  # who is suspended does not count
    with pytest.raises(Conflict, match="last administrator"):
        _take_away(session, dana, dana, how)
    change(session, dana, people.bob, suspended=False)
    session.execute(
        update(User).where(User.id == people.bob.user_id).values(suspended_at=clock.now())
    )
    with pytest.raises(Conflict, match="last administrator"):
        _take_away(session, dana, dana, how)
    session.execute(update(User).where(User.id == people.bob.user_id).values(suspended_at=None))
    _take_away(session, dana, dana, how)


@pytest.mark.parametrize("how", ["demote", "suspend", "remove"])
def test_who_is_about_to_delete_their_account_does_not_count(
    session: Session, people: Cast, how: str
) -> None:
    promote(session, people.dana, people.bob)
    service.request_deletion(session, actor=people.bob.actor)
    with pytest.raises(Conflict, match="last administrator"):
        _take_away(session, people.dana, people.dana, how)


@pytest.mark.commits
def test_two_administrators_cannot_both_delete_their_accounts(
    database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        promote(session, people.dana, people.bob)
    barrier, outcomes = Barrier(2), Counter[str]()

    def run(person: Person) -> None:
        barrier.wait()
        try:
            with database.unit_of_work() as session:
                service.request_deletion(session, actor=person.actor)
        except Conflict:
            outcomes["refused"] += 1
        else:
            outcomes["asked"] += 1

    threads = [Thread(target=run, args=[one]) for one in (people.dana, people.bob)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"asked": 1, "refused": 1}


@pytest.mark.commits
@pytest.mark.parametrize("how", ["demote", "suspend", "remove"])
def test_two_administrators_cannot_do_away_with_each_other(
    database: Database, people: Cast, how: str
) -> None:
    with database.unit_of_work() as session:
        promote(session, people.dana, people.bob)
    pair = ((people.dana, people.bob), (people.bob, people.dana))
    barrier, outcomes = Barrier(2), Counter[str]()

    def run(by: Person, of: Person) -> None:
        barrier.wait()
        try:
            with database.unit_of_work() as session:
                administrator = Person(by.name, by.email, by.user_id, people.dana.actor)
                _take_away(session, administrator, of, how)
        except Conflict:
            outcomes["refused"] += 1
        else:
            outcomes["done"] += 1

    threads = [Thread(target=run, args=one) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"done": 1, "refused": 1}
    with database.reading() as session:
        left = session.scalar(
            select(func.count(Membership.id)).where(
                Membership.role == Role.ADMINISTRATOR, Membership.suspended_at.is_(None)
            )
        )
    assert left == 1


def test_who_is_removed_keeps_the_account_and_looks_after_nobody(
    session: Session, people: Cast
) -> None:
    record = record_of(session, people.alice)
    service.remove_member(
        session, actor=people.dana.actor, membership_id=membership_of(session, people.bob)
    )
    assert session.get(User, people.bob.user_id) is not None
    care = session.scalars(select(CareRelationship)).one()
    assert care.ended_at is not None
    with pytest.raises(NotFound):
        patients.get_patient_for(session, people.bob.actor, record.id, READ)


def test_a_newcomer_takes_an_invitation_up_once(session: Session, dana: Person) -> None:
    ward = service.create_ward(session, actor=dana.actor, data=WardCreate(name="Ward A"))
    created = invite(session, dana, "Nora@Example.org", wards=[ward.id])
    token = token_of(created)
    assert not created.is_mailed
    seen = service.look_at_invitation(session, token=token)
    assert (seen.hospital, seen.role, seen.email, seen.has_account) == (
        "Riverside", "nurse", "nora@example.org", False,
    )  # fmt: skip

    granted = service.accept_as_newcomer(session, token=token, data=NEWCOMER, client=BROWSER)

    assert (granted.user.role, granted.user.hospital.name) == ("nurse", "Riverside")
    assert session.scalars(select(WardAssignment.ward_id)).one() == ward.id
    nora = session.scalars(select(User).where(User.email == "nora@example.org")).one()
    assert nora.email_verified_at is None  # the administrator handed the link over
    with pytest.raises(NotFound):
        service.accept_as_newcomer(session, token=token, data=NEWCOMER, client=BROWSER)
    assert service.list_invitations(session, actor=dana.actor) == []


@pytest.mark.settings(smtp_host="127.0.0.1")
def test_a_link_that_came_by_mail_proves_the_address(session: Session, dana: Person) -> None:
    created = invite(session, dana, "nora@example.org")
    assert created.is_mailed
    assert created.link is None
    token_id = session.scalars(select(OneTimeToken.id)).one()
    settings = session.info["database"].settings
    token = service.spell_token(settings, OneTimePurpose.STAFF_INVITATION, token_id)
    service.accept_as_newcomer(session, token=token, data=NEWCOMER, client=BROWSER)
    nora = session.scalars(select(User).where(User.email == "nora@example.org")).one()
    assert nora.email_verified_at is not None


def test_an_invitation_ends_when_it_is_withdrawn_replaced_or_old(
    session: Session, dana: Person
) -> None:
    withdrawn = invite(session, dana, "a@example.org")
    service.withdraw_invitation(session, actor=dana.actor, invitation_id=withdrawn.id)
    replaced = invite(session, dana, "b@example.org")
    second = invite(session, dana, "B@example.org")
    for created in (withdrawn, replaced):
        with pytest.raises(NotFound):
            service.look_at_invitation(session, token=token_of(created))
    assert [one.id for one in service.list_invitations(session, actor=dana.actor)] == [second.id]
    with time_machine.travel(clock.now() + timedelta(days=8)), pytest.raises(NotFound):
        service.look_at_invitation(session, token=token_of(second))


def test_another_hospital_cannot_withdraw_an_invitation(session: Session, people: Cast) -> None:
    created = invite(session, people.dana, "a@example.org")
    charlie = people.charlie
    change_role = update(Membership).where(Membership.user_id == charlie.user_id)
    session.execute(change_role.values(role=Role.ADMINISTRATOR))
    elsewhere = Actor(
        charlie.user_id, charlie.actor.tenant_id, "administrator", people.dana.actor.permissions,
        "Charlie", "api",
    )  # fmt: skip
    with pytest.raises(NotFound):
        service.withdraw_invitation(session, actor=elsewhere, invitation_id=created.id)
    service.look_at_invitation(session, token=token_of(created))


def test_an_invitation_does_not_tell_who_has_an_account(session: Session, people: Cast) -> None:
    shapes = []
    for email in ("nobody@example.org", people.charlie.email, people.alice.email):
        created = invite(session, people.dana, email)
        shapes.append(created.model_dump(exclude={"id", "email", "link", "created_at",
                                                  "expires_at"}))  # fmt: skip
    assert shapes[0] == shapes[1] == shapes[2]
    with pytest.raises(Conflict):  # whom the staff list shows anyhow
        invite(session, people.dana, people.bob.email)


def test_an_account_that_exists_joins_and_its_session_goes_there(
    session: Session, people: Cast
) -> None:
    token = token_of(invite(session, people.dana, people.charlie.email))
    with pytest.raises(Conflict, match="Sign in"):
        service.accept_as_newcomer(session, token=token, data=NEWCOMER, client=BROWSER)
    with pytest.raises(Conflict, match="another address"):
        service.accept_invitation(session, actor=actor_in(session, people.bill), token=token)

    granted = service.accept_invitation(
        session, actor=actor_in(session, people.charlie), token=token
    )

    assert (granted.user.hospital.name, granted.user.role) == ("Riverside", "nurse")
    assert [(one.name, one.role) for one in granted.user.hospitals] == [
        ("Hillside", "doctor"),
        ("Riverside", "nurse"),
    ]


def test_a_patients_account_does_not_become_staff_of_the_same_hospital(
    session: Session, people: Cast
) -> None:
    token = token_of(invite(session, people.dana, people.alice.email))
    with pytest.raises(Conflict, match="patient"):
        service.accept_invitation(session, actor=actor_in(session, people.alice), token=token)
    assert session.scalars(select(StaffInvitation.accepted_at)).one() is None


def test_nobody_is_put_on_a_ward_that_is_closed_or_elsewhere(
    session: Session, people: Cast
) -> None:
    closed = service.create_ward(session, actor=people.dana.actor, data=WardCreate(name="Old"))
    _change_ward(session, people.dana, closed.id, is_open=False)
    elsewhere = service.create_ward(
        session,
        actor=Actor(uuid4(), people.charlie.actor.tenant_id, "administrator",
                    people.dana.actor.permissions, "", "api"),
        data=WardCreate(name="Theirs"),
    )  # fmt: skip
    for ward_id in (closed.id, elsewhere.id, uuid4()):
        with pytest.raises(InvalidInput):
            change(session, people.dana, people.nina, wards=[ward_id])
        with pytest.raises(InvalidInput):
            invite(session, people.dana, "a@example.org", wards=[ward_id])
    with pytest.raises(NotFound):
        _change_ward(session, people.dana, elsewhere.id, name="Ours")


def test_closing_a_ward_ends_the_work_on_it(session: Session, people: Cast) -> None:
    ward = service.create_ward(session, actor=people.dana.actor, data=WardCreate(name="Ward A"))
    change(session, people.dana, people.nina, wards=[ward.id])
    assert service.list_wards(session, actor=people.dana.actor) == [(ward, 1)]
    _change_ward(session, people.dana, ward.id, is_open=False)
    assert service.list_wards(session, actor=people.dana.actor) == []
    assert session.scalars(select(WardAssignment)).all() == []


def test_a_ward_with_patients_stays_open(session: Session, people: Cast) -> None:
    ward = service.create_ward(session, actor=people.dana.actor, data=WardCreate(name="Ward A"))
    change(session, people.dana, people.nina, wards=[ward.id])
    record = record_of(session, people.alice)
    stay = WardStay(hospital_id=record.hospital_id, patient_id=record.id, ward_id=ward.id)
    session.add(stay)
    session.flush()
    assert patients.get_patient_for(session, people.nina.actor, record.id, READ)
    with pytest.raises(Conflict, match="patients"), session.begin_nested():
        _change_ward(session, people.dana, ward.id, is_open=False)
    change(session, people.dana, people.nina, wards=[])
    with pytest.raises(NotFound):
        patients.get_patient_for(session, people.nina.actor, record.id, READ)


def test_a_wards_name_is_used_once_whatever_its_capitals(session: Session, dana: Person) -> None:
    ward = service.create_ward(session, actor=dana.actor, data=WardCreate(name="Ward A"))
    other = service.create_ward(session, actor=dana.actor, data=WardCreate(name="Ward B"))
    with pytest.raises(Conflict):
        service.create_ward(session, actor=dana.actor, data=WardCreate(name="WARD a"))
    with pytest.raises(Conflict):
        _change_ward(session, dana, other.id, name="ward A")
    _change_ward(session, dana, ward.id, name="WARD Ä")
    with pytest.raises(Conflict):
        service.create_ward(session, actor=dana.actor, data=WardCreate(name="ward ä"))


def test_a_hospital_has_so_many_wards_and_no_more(session: Session, dana: Person) -> None:
    with patch("medical_ai.tenancy.wards.MOST_WARDS", 2):
        for name in ("Ward A", "Ward B"):
            service.create_ward(session, actor=dana.actor, data=WardCreate(name=name))
        with pytest.raises(Conflict, match="at most 2"):
            service.create_ward(session, actor=dana.actor, data=WardCreate(name="Ward C"))


def test_so_many_invitations_can_wait_and_no_more(session: Session, dana: Person) -> None:
    with patch("medical_ai.auth.service.invitations.MOST_OPEN", 1):
        invite(session, dana, "a@example.org")
        with pytest.raises(Conflict, match="At most 1"):
            invite(session, dana, "b@example.org")
        invite(session, dana, "a@example.org")  # takes the place of the earlier one


def test_a_session_that_was_just_ended_goes_nowhere(session: Session, people: Cast) -> None:
    session.add(
        Membership(
            user_id=people.bob.user_id,
            hospital_id=people.charlie.actor.tenant_id,
            role=Role.DOCTOR,
        )
    )
    bob = actor_in(session, people.bob)
    service.revoke_families(session, user_id=bob.user_id, because="signed out")
    with pytest.raises(Unauthenticated):
        service.switch_hospital(session, actor=bob, hospital_id=people.charlie.actor.tenant_id)


def test_signing_in_opens_the_hospital_used_last(database: Database, people: Cast) -> None:
    with database.unit_of_work() as session:
        session.add(
            Membership(
                user_id=people.charlie.user_id,
                hospital_id=people.dana.actor.tenant_id,
                role=Role.DOCTOR,
            )
        )
    first = sign_in(database, people.charlie)
    assert first.user.hospital.name == "Hillside"
    with (
        time_machine.travel(clock.now() + timedelta(minutes=1)),
        database.unit_of_work() as session,
    ):
        family_id = session.scalars(select(TokenFamily.id)).one()
        charlie = people.charlie.actor
        actor = Actor(charlie.user_id, charlie.tenant_id, "doctor", charlie.permissions,
                      "Charlie", "api", family_id)  # fmt: skip
        service.switch_hospital(session, actor=actor, hospital_id=people.dana.actor.tenant_id)
    assert sign_in(database, people.charlie).user.hospital.name == "Riverside"
    with database.unit_of_work() as session:
        session.execute(
            update(Membership)
            .where(Membership.hospital_id == people.dana.actor.tenant_id)
            .values(suspended_at=clock.now())
        )
    assert sign_in(database, people.charlie).user.hospital.name == "Hillside"


def test_nobody_switches_to_a_hospital_where_they_are_nothing(
    session: Session, people: Cast
) -> None:
    bob = actor_in(session, people.bob)
    for hospital_id in (people.charlie.actor.tenant_id, uuid4()):
        with pytest.raises(NotFound):
            service.switch_hospital(session, actor=bob, hospital_id=hospital_id)


def test_signing_up_by_oneself_is_no_way_onto_the_staff(session: Session, dana: Person) -> None:
    """An invitation for an address is worth nothing to an account that merely has it."""
    token = token_of(invite(session, dana, "nora@example.org"))
    service.sign_up(
        session,
        data=SignUp(email="nora@example.org", password=PASSWORD, timezone="UTC"),
        client=BROWSER,
    )
    nora = session.scalars(select(User).where(User.email == "nora@example.org")).one()
    roles = session.scalars(select(Membership.role).where(Membership.user_id == nora.id)).all()
    assert roles == [Role.PATIENT]
    assert service.look_at_invitation(session, token=token).has_account


def test_a_patient_more_is_no_member_of_staff(session: Session, dana: Person) -> None:
    create_patient_account(session, "carla")
    assert "Carla" not in {one.name for one in service.list_staff(session, actor=dana.actor)}


def _take_away(session: Session, by: Person, of: Person, how: str) -> None:
    if how == "demote":
        change(session, by, of, role=Role.DOCTOR)
    elif how == "suspend":
        change(session, by, of, suspended=True)
    else:
        service.remove_member(session, actor=by.actor, membership_id=membership_of(session, of))


def _change_ward(session: Session, by: Person, ward_id: UUID, **values: object) -> None:
    service.change_ward(
        session, actor=by.actor, ward_id=ward_id, data=WardUpdate.model_validate(values)
    )
