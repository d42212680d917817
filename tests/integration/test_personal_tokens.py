"""Personal access tokens: what is kept of them, what they may do, and when they end."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from medical_ai.audit.models import AuditEvent
from medical_ai.auth import service
from medical_ai.auth.models import Membership, PersonalToken, User
from medical_ai.auth.permissions import Permission, Role
from medical_ai.auth.schemas import PersonalTokenCreate, PersonalTokenMade
from medical_ai.auth.service import Client
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict, InvalidInput, NotFound
from medical_ai.core.zones import zone_of
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind
from tests.support.people import ALICES_ZONE, Person

SCRIPT = Client("192.0.2.7", "curl/8.5.0")


def today() -> date:
    """Return today where Alice lives."""
    return clock.now().astimezone(zone_of(ALICES_ZONE)).date()


def make(
    database: Database, person: Person, *scopes: Permission, days: int = 30, name: str = "script"
) -> PersonalTokenMade:
    """Make a token."""
    data = PersonalTokenCreate(
        name=name, scopes=list(scopes) or None, expires_on=today() + timedelta(days=days)
    )
    with database.unit_of_work() as session:
        return service.make_token(session, actor=person.actor, zone=ALICES_ZONE, data=data)


def permissions_at(database: Database, text: str) -> set[str] | None:
    """Return what a token may do at this moment; None where it does not hold."""
    with database.reading() as session:
        bearer = service.find_bearer(session, text=text)
    return None if bearer is None else set(bearer.actor.permissions)


def test_the_text_is_stored_nowhere(database: Database, alice: Person) -> None:
    made = make(database, alice)
    with database.reading() as session:
        row = session.get_one(PersonalToken, made.id)
        values = [str(getattr(row, column.name)) for column in PersonalToken.__table__.columns]
        assert not any(made.token in value or made.token[8:40] in value for value in values)
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject_id == made.id))
        assert made.token not in str([(one.tag, one.details) for one in events])


def test_it_reads_by_default_and_no_more(database: Database, alice: Person) -> None:
    made = make(database, alice)
    assert permissions_at(database, made.token) == {
        "record:read", "medication:read", "notice:read",
        "patient:read", "care-team:read", "access-log:read",
    }  # fmt: skip


def test_it_may_do_what_scopes_and_the_present_role_both_allow(
    database: Database, alice: Person
) -> None:
    made = make(database, alice, Permission.MEDICATION_WRITE, Permission.MEDICATION_READ)
    assert permissions_at(database, made.token) == {"medication:write", "medication:read"}
    with database.unit_of_work() as session:
        session.execute(
            update(Membership).where(Membership.user_id == alice.user_id).values(role=Role.DOCTOR)
        )
    assert permissions_at(database, made.token) == {"medication:read"}


def test_it_is_bound_to_the_hospital_it_was_made_in(database: Database, charlie: Person) -> None:
    made = make(database, charlie)
    with database.reading() as session:
        bearer = service.find_bearer(session, text=made.token)
        assert bearer is not None
        assert bearer.actor.tenant_id == charlie.actor.tenant_id
        assert bearer.actor.via == "token"


@pytest.mark.parametrize("scope", [Permission.STAFF_MANAGE, Permission.MEDICATION_WRITE])
def test_nobody_gives_what_is_not_theirs_to_give(
    database: Database, dana: Person, scope: Permission
) -> None:
    with pytest.raises(InvalidInput) as refused:
        make(database, dana, scope)
    assert [one.loc for one in refused.value.fields] == ["scopes"]


@pytest.mark.parametrize("days", [-1, 366, 4000])
def test_its_last_day_is_between_today_and_a_year_from_now(
    database: Database, alice: Person, days: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        make(database, alice, days=days)
    assert [one.loc for one in refused.value.fields] == ["expires_on"]


def test_it_works_through_its_last_day_by_the_clock_of_its_owner(
    database: Database, alice: Person
) -> None:
    made = make(database, alice, days=3)
    assert made.expires_at.astimezone(zone_of(ALICES_ZONE)).date() == today() + timedelta(days=3)
    with time_machine.travel(made.expires_at - timedelta(seconds=1), tick=False):
        assert permissions_at(database, made.token) is not None
    with time_machine.travel(made.expires_at + timedelta(seconds=1), tick=False):
        assert permissions_at(database, made.token) is None


def test_revoked_it_is_refused_and_gone_from_the_list(database: Database, alice: Person) -> None:
    kept, made = make(database, alice, name="kept"), make(database, alice)
    with database.unit_of_work() as session:
        service.revoke_token(session, actor=alice.actor, token_id=made.id)
    assert permissions_at(database, made.token) is None
    assert permissions_at(database, kept.token) is not None
    with database.reading() as session:
        assert [one.name for one in service.list_tokens(session, actor=alice.actor)] == ["kept"]
    with pytest.raises(NotFound), database.unit_of_work() as session:
        service.revoke_token(session, actor=alice.actor, token_id=made.id)


def test_somebody_elses_is_not_there(
    database: Database, alice: Person, bob: Person, charlie: Person
) -> None:
    made = make(database, alice)
    for other in (bob, charlie):
        with database.unit_of_work() as session:
            assert service.list_tokens(session, actor=other.actor) == []
            with pytest.raises(NotFound):
                service.revoke_token(session, actor=other.actor, token_id=made.id)
    assert permissions_at(database, made.token) is not None


@pytest.mark.parametrize("table", [User, Membership])
def test_suspended_people_have_no_programs(
    database: Database, alice: Person, table: type[User] | type[Membership]
) -> None:
    made = make(database, alice)
    owner = User.id if table is User else Membership.user_id
    for suspended_at, holds in ((clock.now(), False), (None, True)):
        with database.unit_of_work() as session:
            session.execute(
                update(table).where(owner == alice.user_id).values(suspended_at=suspended_at)
            )
        assert (permissions_at(database, made.token) is not None) is holds


def test_ending_every_session_of_an_account_ends_its_tokens(
    database: Database, alice: Person
) -> None:
    made = make(database, alice)
    with database.unit_of_work() as session:
        service.revoke_families(session, user_id=alice.user_id, because="other", with_tokens=False)
    assert permissions_at(database, made.token) is not None
    with database.unit_of_work() as session:
        service.revoke_families(session, user_id=alice.user_id, because="password changed")
    assert permissions_at(database, made.token) is None


@pytest.mark.settings(personal_tokens_per_person=2)
def test_nobody_has_more_than_the_most_and_ended_ones_do_not_count(
    database: Database, alice: Person
) -> None:
    make(database, alice, days=1)
    make(database, alice)
    with pytest.raises(Conflict):
        make(database, alice)
    with time_machine.travel(clock.now() + timedelta(days=3)):
        make(database, alice)


def test_its_owner_is_told_that_it_was_made(database: Database, alice: Person) -> None:
    made = make(database, alice)
    with database.reading() as session:
        found = session.scalars(select(Notice).where(Notice.subject_id == made.id)).all()
    assert [one.kind for one in found] == [NoticeKind.TOKEN_CREATED]


def test_its_last_use_is_kept_with_the_address(database: Database, alice: Person) -> None:
    made = make(database, alice)
    for seen_at in (None, None):  # two requests that saw the same
        with database.unit_of_work() as session:
            service.note_token_use(session, token_id=made.id, seen_at=seen_at, client=SCRIPT)
    with database.reading() as session:
        [listed] = service.list_tokens(session, actor=alice.actor)
        bearer = service.find_bearer(session, text=made.token)
    assert listed.last_used_from == "192.0.2.7"
    assert listed.last_used_at is not None
    assert bearer is not None
    assert not bearer.wants_note(listed.last_used_at + timedelta(seconds=59))
    assert bearer.wants_note(listed.last_used_at + timedelta(seconds=60))


def test_ended_tokens_are_forgotten_after_a_month(database: Database, alice: Person) -> None:
    make(database, alice, days=1, name="ends")
    revoked = make(database, alice, days=300, name="revoked")
    make(database, alice, days=300, name="lives")
    with database.unit_of_work() as session:
        service.revoke_token(session, actor=alice.actor, token_id=revoked.id)
        assert service.delete_ended_tokens(session) == 0
    with time_machine.travel(clock.now() + timedelta(days=33)), database.unit_of_work() as session:
        assert service.delete_ended_tokens(session) == 2
        assert list(session.scalars(select(PersonalToken.name))) == ["lives"]
