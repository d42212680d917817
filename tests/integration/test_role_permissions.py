"""What each role may do in each hospital: seeded from the code, withdrawn, given back."""

from threading import Barrier, Thread
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.auth import service
from medical_ai.auth.models import KnownPermission, RolePermission
from medical_ai.auth.permissions import (
    ROLE_PERMISSIONS,
    Permission,
    Role,
    descriptions,
    permissions_of,
)
from medical_ai.auth.schemas import SignIn
from medical_ai.auth.service import Client
from medical_ai.core.database import Database
from medical_ai.core.errors import Conflict, NotFound, PermissionDenied
from medical_ai.ops.schema import sync_permissions
from tests.support.people import PASSWORD, Cast, Person


def may(session: Session, person: Person, role: Role) -> frozenset[str]:
    """Return what a role may do in a person's hospital."""
    return service.get_permissions(session, hospital_id=person.actor.tenant_id, role=role)


def set_permission(session: Session, by: Person, role: Role, what: str, *, granted: bool) -> None:
    """Withdraw a permission or give it back."""
    service.set_permission(
        session, actor=by.actor, role=role, permission=Permission(what), granted=granted
    )


def rows(session: Session) -> set[tuple[UUID, str, str, bool]]:
    """Return what stands in the table."""
    found = session.scalars(select(RolePermission))
    return {
        (one.hospital_id, one.role.value, one.permission, one.withdrawn_at is None) for one in found
    }


def test_every_permission_says_what_it_allows() -> None:
    assert set(descriptions()) == set(Permission)
    assert all(text.endswith(".") for text in descriptions().values())


def test_a_new_hospital_grants_what_the_code_declares(session: Session, people: Cast) -> None:
    for person in (people.dana, people.charlie):
        for role in Role:
            assert may(session, person, role) == permissions_of(role)
    assert set(session.scalars(select(KnownPermission.name))) == {one.value for one in Permission}


def test_a_withdrawal_is_the_hospitals_own_and_can_be_taken_back(
    session: Session, people: Cast
) -> None:
    set_permission(session, people.dana, Role.NURSE, "medication:read", granted=False)
    assert "medication:read" not in may(session, people.dana, Role.NURSE)
    assert "medication:read" in may(session, people.dana, Role.DOCTOR)
    assert "medication:read" in may(session, people.charlie, Role.NURSE)
    set_permission(session, people.dana, Role.NURSE, "medication:read", granted=True)
    assert may(session, people.dana, Role.NURSE) == permissions_of(Role.NURSE)
    tags = session.scalars(select(AuditEvent.tag).where(AuditEvent.tag.like("role:%")))
    assert list(tags) == ["role:permission:withdrawn", "role:permission:granted"]


def test_saying_the_same_twice_is_one_event(session: Session, dana: Person) -> None:
    for _ in range(2):
        set_permission(session, dana, Role.NURSE, "chat:use", granted=False)
    events = session.scalars(select(AuditEvent).where(AuditEvent.tag.like("role:%"))).all()
    assert [one.details for one in events] == [{"role": "nurse", "permission": "chat:use"}]


@pytest.mark.parametrize("granted", [True, False])
def test_nothing_goes_beyond_what_the_code_declares(
    session: Session, dana: Person, granted: bool
) -> None:
    for role, permission in ((Role.BILLING, "medication:read"), (Role.NURSE, "staff:manage")):
        with pytest.raises(NotFound):
            set_permission(session, dana, role, permission, granted=granted)


def test_a_row_that_goes_beyond_the_code_is_worth_nothing(session: Session, dana: Person) -> None:
    session.add(
        RolePermission(
            hospital_id=dana.actor.tenant_id, role=Role.BILLING, permission="medication:read"
        )
    )
    session.flush()
    assert may(session, dana, Role.BILLING) == permissions_of(Role.BILLING)


def test_administration_cannot_be_locked_out(session: Session, dana: Person) -> None:
    with pytest.raises(Conflict):
        set_permission(session, dana, Role.ADMINISTRATOR, "staff:manage", granted=False)
    session.execute(delete(RolePermission))
    assert may(session, dana, Role.ADMINISTRATOR) == {"staff:manage"}


def test_without_rows_nobody_else_may_do_anything(session: Session, dana: Person) -> None:
    session.execute(delete(RolePermission))
    for role in set(Role) - {Role.ADMINISTRATOR}:
        assert may(session, dana, role) == frozenset()


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill"])
def test_only_administrators_change_roles(session: Session, people: Cast, name: str) -> None:
    caller = getattr(people, name)
    with pytest.raises(PermissionDenied):
        set_permission(session, caller, Role.NURSE, "chat:use", granted=False)
    with pytest.raises(PermissionDenied):
        service.list_roles(session, actor=caller.actor)


@pytest.mark.commits
def test_an_upgrade_grants_what_is_new_and_leaves_what_was_withdrawn(
    database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        set_permission(session, people.dana, Role.NURSE, "record:read", granted=False)
        before = rows(session)
        # An older release knew nothing of asking the assistant.
        session.execute(delete(RolePermission).where(RolePermission.permission == "chat:use"))
        session.execute(delete(KnownPermission).where(KnownPermission.name == "chat:use"))
    for _ in range(2):
        sync_permissions(database)
        with database.reading() as session:
            assert rows(session) == before
    with database.reading() as session:
        assert "record:read" not in may(session, people.dana, Role.NURSE)
        assert "chat:use" in may(session, people.dana, Role.NURSE)


@pytest.mark.commits
def test_an_upgrade_forgets_what_is_declared_no_more(database: Database, people: Cast) -> None:
    fewer = ROLE_PERMISSIONS | {Role.NURSE: frozenset({Permission.CHAT_USE})}
    with patch("medical_ai.auth.service.role_permissions.ROLE_PERMISSIONS", fewer):
        sync_permissions(database)
    with database.reading() as session:
        assert may(session, people.dana, Role.NURSE) == {"chat:use"}


def test_what_a_session_carries_is_what_the_hospital_grants(session: Session, people: Cast) -> None:
    set_permission(session, people.dana, Role.NURSE, "record:read", granted=False)
    data = SignIn(email=people.nina.email, password=PASSWORD)
    granted = service.sign_in(session, data=data, client=Client("192.0.2.1", "Firefox"))
    assert set(granted.user.permissions) == permissions_of(Role.NURSE) - {"record:read"}


@pytest.mark.commits
def test_two_processes_may_bring_it_up_to_date_at_once(database: Database, people: Cast) -> None:
    with database.unit_of_work() as session:
        before = rows(session)
        session.execute(delete(RolePermission))
        session.execute(delete(KnownPermission))
    barrier, troubles = Barrier(2), list[Exception]()

    def run() -> None:
        barrier.wait()
        try:
            sync_permissions(database)
        except Exception as error:
            troubles.append(error)

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    with database.reading() as session:
        assert rows(session) == before
