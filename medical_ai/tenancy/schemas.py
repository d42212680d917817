"""What other packages see of a hospital."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class HospitalRef:
    """A hospital by its id, name and country (ISO 3166, empty where unknown)."""

    id: UUID
    slug: str
    name: str
    country: str


@dataclass(frozen=True, slots=True)
class WardRef:
    """A ward by its id and name, and whether anybody can be put on it."""

    id: UUID
    name: str
    is_open: bool
