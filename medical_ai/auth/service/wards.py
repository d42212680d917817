"""Which wards a member of staff works on."""

from uuid import UUID

from sqlalchemy import Select, select

from medical_ai.auth.models import Membership, WardAssignment
from medical_ai.core.actor import Actor


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
