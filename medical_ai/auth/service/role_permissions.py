"""What each role may do in each hospital: the code's declaration, less what was withdrawn.

The declaration in `auth.permissions` is the ceiling. A hospital's administrator can withdraw a
permission from a role and give it back, and can do nothing beyond that. The guard asks for what
is left with every request, so that a withdrawal holds at the next one.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.models import KnownPermission, Membership, RolePermission
from medical_ai.auth.permissions import (
    FIXED,
    ROLE_PERMISSIONS,
    Permission,
    Role,
    descriptions,
    permissions_of,
)
from medical_ai.auth.schemas import RolePermissionRead, RoleRead
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.database import Base, rows_changed
from medical_ai.core.errors import Conflict, NotFound
from medical_ai.core.events import HospitalCreated
from medical_ai.core.ids import new_id
from medical_ai.tenancy import service as tenancy

GRANTED = (
    select(func.group_concat(RolePermission.permission))
    .where(
        RolePermission.hospital_id == Membership.hospital_id,
        RolePermission.role == Membership.role,
        RolePermission.withdrawn_at.is_(None),
    )
    .correlate(Membership)
    .scalar_subquery()
)
"""What is granted to a membership, joined by commas: part of a query that loads one."""


def sync_permissions(session: Session) -> None:
    """Bring the catalogue and every hospital's roles to what this release declares.

    What is new is granted as declared; what a hospital withdrew stays withdrawn; what is declared
    no more is forgotten. Running it twice changes nothing.
    """
    _sync_catalogue(session)
    for hospital_id in tenancy.list_hospital_ids(session):
        _seed(session, hospital_id)


def seed_hospital(session: Session, event: HospitalCreated) -> None:
    """Grant the roles of a new hospital what the code declares."""
    _sync_catalogue(session)
    _seed(session, event.hospital_id)


def get_permissions(session: Session, *, hospital_id: UUID, role: Role) -> frozenset[str]:
    """Return what a role may do in a hospital."""
    granted = session.scalars(
        select(RolePermission.permission).where(
            RolePermission.hospital_id == hospital_id,
            RolePermission.role == role,
            RolePermission.withdrawn_at.is_(None),
        )
    )
    return within_ceiling(role, granted)


def within_ceiling(role: Role, granted: Iterable[str]) -> frozenset[str]:
    """Return what a role may do where these permissions are granted to it."""
    fixed = {one.value for one in FIXED.get(role, ())}
    return (permissions_of(role) & frozenset(granted)) | fixed


def list_roles(session: Session, *, actor: Actor) -> list[RoleRead]:
    """Return every role with what it may do in the actor's hospital."""
    actor.require(Permission.STAFF_MANAGE)
    return [_read(session, actor.tenant_id, role) for role in Role]


def set_permission(
    session: Session, *, actor: Actor, role: str, permission: Permission, granted: bool
) -> RoleRead:
    """Withdraw a permission from a role of the actor's hospital, or give it back.

    Raises NotFound for a role or a permission of it that is not declared, and Conflict for one
    without which nobody could manage the hospital any more.
    """
    actor.require(Permission.STAFF_MANAGE)
    declared = next((one for one in Role if one.value == role), None)
    if declared is None or permission not in ROLE_PERMISSIONS[declared]:
        raise NotFound
    if permission in FIXED.get(declared, ()):
        raise Conflict("Administrators keep this: nobody else could give it back.")
    is_withdrawn = RolePermission.withdrawn_at.is_not(None)
    changed = rows_changed(
        session,
        update(RolePermission)
        .where(
            RolePermission.hospital_id == actor.tenant_id,
            RolePermission.role == declared,
            RolePermission.permission == permission.value,
            is_withdrawn if granted else ~is_withdrawn,
        )
        .values(withdrawn_at=None if granted else clock.now()),
    )
    if changed:
        audit.record(
            session,
            actor=actor,
            tag=AuditTag.PERMISSION_GRANTED if granted else AuditTag.PERMISSION_WITHDRAWN,
            subject=("hospital", actor.tenant_id),
            details={"role": declared.value, "permission": permission.value},
        )
    return _read(session, actor.tenant_id, declared)


def _read(session: Session, hospital_id: UUID, role: Role) -> RoleRead:
    held = get_permissions(session, hospital_id=hospital_id, role=role)
    return RoleRead(
        role=role.value,
        permissions=[
            RolePermissionRead(
                name=one.value,
                description=descriptions()[one],
                granted=one.value in held,
                fixed=one in FIXED.get(role, ()),
            )
            for one in Permission
            if one in ROLE_PERMISSIONS[role]
        ],
    )


def _sync_catalogue(session: Session) -> None:
    known = set(session.scalars(select(KnownPermission.name)))
    missing = [one for one in Permission if one.value not in known]
    now = clock.now()
    for one in missing:
        _add(
            session, KnownPermission, name=one.value, description=descriptions()[one], known_at=now
        )
    gone = known - {one.value for one in Permission}
    if gone:
        session.execute(delete(KnownPermission).where(KnownPermission.name.in_(gone)))


def _seed(session: Session, hospital_id: UUID) -> None:
    found = session.execute(
        select(RolePermission.role, RolePermission.permission).where(
            RolePermission.hospital_id == hospital_id
        )
    )
    present = {(role, permission) for role, permission in found}
    declared = {
        (role, one.value) for role, permissions in ROLE_PERMISSIONS.items() for one in permissions
    }
    for role, permission in sorted(declared - present):
        _add(
            session,
            RolePermission,
            id=new_id(),
            hospital_id=hospital_id,
            role=role,
            permission=permission,
        )
    for role, permission in present - declared:
        session.execute(
            delete(RolePermission).where(
                RolePermission.hospital_id == hospital_id,
                RolePermission.role == role,
                RolePermission.permission == permission,
            )
        )


def _add(session: Session, table: type[Base], **values: Any) -> None:
    # Another process may fill in the same row at the same moment.
    missing = insert(table).values(values)
    for dialect, word in (("sqlite", "OR IGNORE"), ("mysql", "IGNORE"), ("mariadb", "IGNORE")):
        missing = missing.prefix_with(word, dialect=dialect)
    session.execute(missing)
