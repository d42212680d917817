"""A hospital's wards. Who may change them, and the audit of it, is the caller's business."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import integrity_as
from medical_ai.core.errors import Conflict, NotFound
from medical_ai.tenancy.models import Ward
from medical_ai.tenancy.schemas import WardRef

MOST_WARDS = 300
TAKEN = "There is a ward of this name, open or closed."


def list_wards(
    session: Session, *, hospital_id: UUID, include_closed: bool = False
) -> list[WardRef]:
    """Return a hospital's wards in order of their names."""
    wanted = select(Ward).where(Ward.hospital_id == hospital_id)
    if not include_closed:
        wanted = wanted.where(Ward.closed_at.is_(None))
    return sorted(map(_ref, session.scalars(wanted)), key=lambda ward: ward.name.casefold())


def find_open_wards(
    session: Session, *, hospital_id: UUID, ward_ids: Collection[UUID]
) -> set[UUID]:
    """Return which of these are open wards of the hospital."""
    wanted = select(Ward.id).where(
        Ward.hospital_id == hospital_id, Ward.id.in_(ward_ids), Ward.closed_at.is_(None)
    )
    return set(session.scalars(wanted))


def get_ward(session: Session, *, hospital_id: UUID, ward_id: UUID) -> WardRef:
    """Return one ward, locked until the transaction ends. Raises NotFound."""
    return _ref(_get(session, hospital_id, ward_id))


def create_ward(session: Session, *, hospital_id: UUID, name: str) -> WardRef:
    """Open a ward. Raises Conflict where the hospital has one of this name, or too many."""
    _require_free(session, hospital_id, name)
    ward = Ward(hospital_id=hospital_id, name=name)
    with integrity_as(session, Conflict(TAKEN)):
        session.add(ward)
    return _ref(ward)


def rename_ward(session: Session, *, hospital_id: UUID, ward_id: UUID, name: str) -> WardRef:
    """Give a ward another name. Raises NotFound, and Conflict for one that is taken."""
    ward = _get(session, hospital_id, ward_id)
    _require_free(session, hospital_id, name, but=ward_id)
    with integrity_as(session, Conflict(TAKEN)):
        ward.name = name
    return _ref(ward)


def set_ward_open(session: Session, *, hospital_id: UUID, ward_id: UUID, is_open: bool) -> WardRef:
    """Close a ward, or open it again. Raises NotFound."""
    ward = _get(session, hospital_id, ward_id)
    if is_open:
        ward.closed_at = None
    elif ward.closed_at is None:
        ward.closed_at = clock.now()
    session.flush()
    return _ref(ward)


def _get(session: Session, hospital_id: UUID, ward_id: UUID) -> Ward:
    # Locked: putting somebody on a ward and closing it come one after the other.
    ward = session.scalar(
        select(Ward).where(Ward.id == ward_id, Ward.hospital_id == hospital_id).with_for_update()
    )
    if ward is None:
        raise NotFound
    return ward


def _require_free(
    session: Session, hospital_id: UUID, name: str, *, but: UUID | None = None
) -> None:
    # The constraint tells capitals apart; people on a night shift do not.
    found = list_wards(session, hospital_id=hospital_id, include_closed=True)
    if any(one.name.casefold() == name.casefold() and one.id != but for one in found):
        raise Conflict(TAKEN)
    if but is None and len(found) >= MOST_WARDS:
        raise Conflict(f"A hospital has at most {MOST_WARDS} wards.")


def _ref(ward: Ward) -> WardRef:
    return WardRef(ward.id, ward.name, is_open=ward.closed_at is None)
