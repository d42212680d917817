"""Wards of a hospital, and which of them a member of staff works on."""

from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import Membership, WardAssignment
from medical_ai.auth.permissions import Permission
from medical_ai.auth.staff_schemas import WardCreate, WardUpdate
from medical_ai.core.actor import Actor
from medical_ai.core.events import WardClosing, publish
from medical_ai.tenancy import wards
from medical_ai.tenancy.schemas import WardRef


def select_wards_of(actor: Actor) -> Select[UUID]:
    """Return a query for the ids of the actor's wards, to be part of a larger one."""
    return (
        select(WardAssignment.ward_id)
        .join(Membership, Membership.id == WardAssignment.membership_id)
        .where(
            Membership.user_id == actor.user_id,
            Membership.hospital_id == actor.tenant_id,
            Membership.suspended_at.is_(None),
        )
    )


def list_wards(
    session: Session, *, actor: Actor, include_closed: bool = False
) -> list[tuple[WardRef, int]]:
    """Return the wards of the actor's hospital by name, with how many of its staff work there."""
    actor.require(Permission.STAFF_MANAGE)
    rows = session.execute(
        select(WardAssignment.ward_id, func.count(WardAssignment.id))
        .where(WardAssignment.hospital_id == actor.tenant_id)
        .group_by(WardAssignment.ward_id)
    )
    counts = {ward_id: count for ward_id, count in rows}
    found = wards.list_wards(session, hospital_id=actor.tenant_id, include_closed=include_closed)
    return [(ward, counts.get(ward.id, 0)) for ward in found]


def create_ward(session: Session, *, actor: Actor, data: WardCreate) -> WardRef:
    """Open a ward in the actor's hospital. Raises Conflict for a name that is taken."""
    actor.require(Permission.STAFF_MANAGE)
    ward = wards.create_ward(session, hospital_id=actor.tenant_id, name=data.name)
    _record(session, actor, AuditTag.WARD_OPENED, ward)
    return ward


def change_ward(
    session: Session, *, actor: Actor, ward_id: UUID, data: WardUpdate
) -> tuple[WardRef, int]:
    """Rename a ward, close it or open it again; return it with how many work there.

    Closing ends everybody's work on it. Raises NotFound for another hospital's ward, and Conflict
    for a name that is taken or a ward with patients on it.
    """
    actor.require(Permission.STAFF_MANAGE)
    where = {"hospital_id": actor.tenant_id, "ward_id": ward_id}
    ward = wards.get_ward(session, **where)
    if data.name is not None and data.name != ward.name:
        ward = wards.rename_ward(session, **where, name=data.name)
        _record(session, actor, AuditTag.WARD_RENAMED, ward)
    if data.is_open is not None and data.is_open != ward.is_open:
        ward = wards.set_ward_open(session, **where, is_open=data.is_open)
        _record(session, actor, _tag_of(ward), ward)
        if not ward.is_open:
            _end_work(session, actor, ward_id)
    assigned = select(func.count(WardAssignment.id)).where(WardAssignment.ward_id == ward_id)
    return ward, session.scalar(assigned) or 0


def _tag_of(ward: WardRef) -> AuditTag:
    return AuditTag.WARD_OPENED if ward.is_open else AuditTag.WARD_CLOSED


def _end_work(session: Session, actor: Actor, ward_id: UUID) -> None:
    publish(session, WardClosing(actor.tenant_id, ward_id))
    session.execute(delete(WardAssignment).where(WardAssignment.ward_id == ward_id))


def _record(session: Session, actor: Actor, tag: AuditTag, ward: WardRef) -> None:
    audit.record(session, actor=actor, tag=tag, subject=("ward", ward.id))
