"""What the installation does with its hospitals."""

import time
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from medical_ai.core.database import settings_of
from medical_ai.core.errors import NotFound
from medical_ai.core.events import HospitalCreated, publish
from medical_ai.tenancy.models import Hospital
from medical_ai.tenancy.schemas import HospitalRef

DEFAULT_SLUG = "home"
KEPT_SECONDS = 10.0

_kept: dict[UUID, tuple[float, HospitalRef]] = {}


def get_hospital(session: Session, hospital_id: UUID) -> HospitalRef:
    """Return a hospital, as it was at most a few seconds ago. Raises NotFound.

    Nearly every request wants its name or country, and those change once in years.
    """
    kept_at, kept = _kept.get(hospital_id, (0.0, None))
    if kept is not None and time.monotonic() - kept_at < KEPT_SECONDS:
        return kept
    hospital = session.get(Hospital, hospital_id)
    if hospital is None:
        raise NotFound
    kept = _ref(hospital)
    _kept[hospital_id] = (time.monotonic(), kept)
    return kept


def list_names(session: Session, hospital_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of some hospitals by their ids."""
    if not hospital_ids:
        return {}
    found = select(Hospital.id, Hospital.name).where(Hospital.id.in_(hospital_ids))
    return {row.id: row.name for row in session.execute(found)}


def find_hospital(session: Session, slug: str) -> HospitalRef | None:
    """Return the hospital with this slug, if there is one."""
    hospital = session.scalar(select(Hospital).where(Hospital.slug == slug))
    return _ref(hospital) if hospital else None


def ensure_hospital(session: Session, *, slug: str, name: str, country: str = "") -> HospitalRef:
    """Return the hospital with this slug; create it when it is missing."""
    found = find_hospital(session, slug)
    if found is not None:
        return found
    hospital = Hospital(slug=slug, name=name, country=country.upper())
    try:
        with session.begin_nested():
            session.add(hospital)
    except IntegrityError:  # another process created it between our look and our insert
        found = find_hospital(session, slug)
        if found is None:
            raise
        return found
    publish(session, HospitalCreated(hospital.id))
    return _ref(hospital)


def ensure_default_hospital(session: Session) -> HospitalRef:
    """Return the hospital that people who sign up by themselves belong to."""
    settings = settings_of(session)
    return ensure_hospital(
        session,
        slug=DEFAULT_SLUG,
        name=settings.default_hospital_name,
        country=settings.default_country,
    )


def list_hospital_ids(session: Session) -> list[UUID]:
    """Return every hospital of the installation."""
    return list(session.scalars(select(Hospital.id).order_by(Hospital.id)))


def _ref(hospital: Hospital) -> HospitalRef:
    return HospitalRef(hospital.id, hospital.slug, hospital.name, hospital.country)
