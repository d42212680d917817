"""How many patients are on which ward, and what follows for closing one."""

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from medical_ai.core.errors import Conflict
from medical_ai.core.events import WardClosing
from medical_ai.patients.models import WardStay


def count_on_wards(session: Session, *, hospital_id: UUID) -> dict[UUID, int]:
    """Return how many patients are on each ward of a hospital that has any."""
    rows = session.execute(
        select(WardStay.ward_id, func.count(WardStay.id))
        .where(WardStay.hospital_id == hospital_id, WardStay.ended_at.is_(None))
        .group_by(WardStay.ward_id)
    )
    return {ward_id: count for ward_id, count in rows}


def keep_occupied_wards_open(session: Session, event: WardClosing) -> None:
    """Refuse to close a ward that patients are on: its nurses would lose sight of them."""
    stays = exists().where(WardStay.ward_id == event.ward_id, WardStay.ended_at.is_(None))
    if session.scalar(select(stays)):
        raise Conflict("There are patients on this ward. Move them first.")
