"""The staff of a hospital: listed, changed, suspended, removed by its administrators.

Whatever takes power from somebody ends their sessions in that hospital in the same transaction, so
that it holds at their next request. A hospital always keeps an administrator.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import Membership, TokenFamily, User, WardAssignment
from medical_ai.auth.permissions import Permission, Role
from medical_ai.auth.service.administrators import hold_administrators, is_last_administrator
from medical_ai.auth.service.sessions import revoke_families
from medical_ai.auth.staff_schemas import MemberState, StaffRead, StaffUpdate, WardBrief
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.errors import Conflict, FieldProblem, InvalidInput, NotFound
from medical_ai.core.events import AccountNotice, StaffLeft, publish
from medical_ai.tenancy import wards

PAGE_SIZE = 100
LAST_ADMINISTRATOR = "This is the last administrator. Make somebody else administrator first."


def list_staff(
    session: Session, *, actor: Actor, after_id: UUID | None = None, limit: int = PAGE_SIZE
) -> list[StaffRead]:
    """Return the staff of the actor's hospital in order of their names."""
    actor.require(Permission.STAFF_MANAGE)
    wanted = _staff_of(actor).order_by(User.username, Membership.id).limit(limit)
    if after_id is not None:
        before = session.execute(_staff_of(actor).where(Membership.id == after_id)).one_or_none()
        if before is None:
            raise NotFound
        position = (before.User.username, before.Membership.id)
        wanted = wanted.where(tuple_(User.username, Membership.id) > position)
    found = [(row.Membership, row.User) for row in session.execute(wanted)]
    return _describe(session, actor, found)


def get_member(session: Session, *, actor: Actor, membership_id: UUID) -> StaffRead:
    """Return one member of staff. Raises NotFound for anybody else's."""
    actor.require(Permission.STAFF_MANAGE)
    found = session.execute(_staff_of(actor).where(Membership.id == membership_id)).one_or_none()
    if found is None:
        raise NotFound
    return _describe(session, actor, [(found.Membership, found.User)])[0]


def change_member(
    session: Session, *, actor: Actor, membership_id: UUID, data: StaffUpdate
) -> StaffRead:
    """Change a member's role or wards, suspend them or let them in again.

    Raises NotFound for another hospital's staff and Conflict for the last administrator.
    """
    actor.require(Permission.STAFF_MANAGE)
    member = _get_locked(session, actor, membership_id)
    if data.wards is not None:
        _set_wards(session, actor, member, data.wards)
    if data.role is not None and data.role is not member.role:
        _set_role(session, actor, member, data.role)
    if data.suspended is not None and data.suspended != (member.suspended_at is not None):
        _set_suspended(session, actor, member, suspended=data.suspended)
    session.flush()
    return get_member(session, actor=actor, membership_id=membership_id)


def remove_member(session: Session, *, actor: Actor, membership_id: UUID) -> None:
    """Take a member off the staff; their account stays, for what it is elsewhere.

    Raises NotFound for another hospital's staff and Conflict for the last administrator.
    """
    actor.require(Permission.STAFF_MANAGE)
    member = _get_locked(session, actor, membership_id)
    _keep_an_administrator(session, member)
    _lose_power(session, member, because="removed", kind="staff-removed")
    _record(session, actor, AuditTag.STAFF_REMOVED, member, role=member.role.value)
    session.delete(member)
    session.flush()
    publish(session, StaffLeft(member.user_id, actor.tenant_id))


def put_on_wards(session: Session, member: Membership, ward_ids: Collection[UUID]) -> None:
    """Let a member work on these wards as well."""
    for ward_id in sorted(ward_ids):
        session.add(
            WardAssignment(hospital_id=member.hospital_id, membership_id=member.id, ward_id=ward_id)
        )


def require_open_wards(session: Session, hospital_id: UUID, ward_ids: Collection[UUID]) -> None:
    """Raise InvalidInput unless all of these are open wards of the hospital."""
    known = wards.find_open_wards(session, hospital_id=hospital_id, ward_ids=ward_ids)
    if known != set(ward_ids):
        problem = FieldProblem("wards", "One of these is not an open ward of this hospital.")
        raise InvalidInput(fields=(problem,))


def wards_by_member(session: Session, membership_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return which wards each of these members works on."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    rows = session.execute(
        select(WardAssignment.membership_id, WardAssignment.ward_id).where(
            WardAssignment.membership_id.in_(membership_ids)
        )
    )
    for membership_id, ward_id in rows:
        found[membership_id].add(ward_id)
    return found


def _staff_of(actor: Actor) -> Any:
    return (
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.hospital_id == actor.tenant_id, Membership.role != Role.PATIENT)
    )


def _get_locked(session: Session, actor: Actor, membership_id: UUID) -> Membership:
    """Return a member to be changed, with the hospital's administrators held as they are."""
    hold_administrators(session, [actor.tenant_id])
    member = session.scalar(
        select(Membership)
        .where(
            Membership.id == membership_id,
            Membership.hospital_id == actor.tenant_id,
            Membership.role != Role.PATIENT,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise NotFound
    return member


def _keep_an_administrator(session: Session, member: Membership) -> None:
    if is_last_administrator(session, member):
        raise Conflict(LAST_ADMINISTRATOR)


def _set_role(session: Session, actor: Actor, member: Membership, role: Role) -> None:
    _keep_an_administrator(session, member)
    before, member.role = member.role, role
    _lose_power(session, member, because="role changed", kind="staff-role-changed")
    _record(
        session,
        actor,
        AuditTag.STAFF_ROLE_CHANGED,
        member,
        before=before.value,
        after=role.value,
    )


def _set_suspended(session: Session, actor: Actor, member: Membership, *, suspended: bool) -> None:
    if suspended:
        _keep_an_administrator(session, member)
        member.suspended_at = clock.now()
        _lose_power(session, member, because="suspended", kind="staff-suspended")
        _record(session, actor, AuditTag.STAFF_SUSPENDED, member)
    else:
        member.suspended_at = None
        _tell(session, member, "staff-reinstated")
        _record(session, actor, AuditTag.STAFF_REINSTATED, member)


def _set_wards(
    session: Session, actor: Actor, member: Membership, ward_ids: Collection[UUID]
) -> None:
    wanted = set(ward_ids)
    require_open_wards(session, actor.tenant_id, wanted)
    before = wards_by_member(session, [member.id])[member.id]
    if before == wanted:
        return
    session.execute(
        delete(WardAssignment).where(
            WardAssignment.membership_id == member.id,
            WardAssignment.ward_id.in_(before - wanted),
        )
    )
    put_on_wards(session, member, wanted - before)
    _record(
        session,
        actor,
        AuditTag.STAFF_WARDS_CHANGED,
        member,
        wards=sorted(str(one) for one in wanted),
    )


def _lose_power(session: Session, member: Membership, *, because: str, kind: str) -> None:
    revoke_families(
        session, user_id=member.user_id, because=because, hospital_id=member.hospital_id
    )
    _tell(session, member, kind)


def _tell(session: Session, member: Membership, kind: str) -> None:
    publish(session, AccountNotice(member.user_id, member.hospital_id, kind, member.id))


def _record(
    session: Session, actor: Actor, tag: AuditTag, member: Membership, **details: Any
) -> None:
    audit.record(
        session,
        actor=actor,
        tag=tag,
        subject=("membership", member.id),
        details={"user_id": str(member.user_id)} | details,
    )


def _describe(
    session: Session, actor: Actor, found: list[tuple[Membership, User]]
) -> list[StaffRead]:
    assigned = wards_by_member(session, [member.id for member, _ in found])
    open_wards = wards.list_wards(session, hospital_id=actor.tenant_id)
    seen = _last_seen(session, actor.tenant_id, [user.id for _, user in found])
    return [
        StaffRead(
            id=member.id,
            name=user.username,
            email=user.email,
            role=member.role.value,
            wards=[
                WardBrief(id=ward.id, name=ward.name)
                for ward in open_wards
                if ward.id in assigned[member.id]
            ],
            state=MemberState.SUSPENDED if member.suspended_at else MemberState.ACTIVE,
            joined_at=member.created_at,
            last_seen_at=seen.get(user.id),
            is_you=user.id == actor.user_id,
        )
        for member, user in found
    ]


def _last_seen(
    session: Session, hospital_id: UUID, user_ids: Collection[UUID]
) -> dict[UUID, datetime]:
    rows = session.execute(
        select(TokenFamily.user_id, func.max(TokenFamily.last_seen_at))
        .where(TokenFamily.hospital_id == hospital_id, TokenFamily.user_id.in_(user_ids))
        .group_by(TokenFamily.user_id)
    )
    return {user_id: moment for user_id, moment in rows}
