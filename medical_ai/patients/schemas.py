"""What other packages see of a patient."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from medical_ai.core.crypto import KeyRing


class Basis(StrEnum):
    """Why somebody may deal with a patient; the first that holds is the one that is written."""

    OWN = "own"
    """It is their own record."""
    CARE_TEAM = "care-team"
    """They look after the patient."""
    PROXY = "proxy"
    """They decide for the patient: a child, or an adult who cannot."""
    CAREGIVER = "caregiver"
    """The patient lets them look after them, as far as the consent goes."""
    WARD = "ward"
    """The patient is on a ward where they are a nurse."""
    HOUSE = "house"
    """Nobody is asking: the house does its own work."""


class CareKind(StrEnum):
    """As what somebody outside the hospital looks after a patient."""

    CAREGIVER = "caregiver"
    """The patient asked them to, and says how far it goes."""
    PROXY = "proxy"
    """They decide for a patient who cannot yet, or can no longer."""


class CareStatus(StrEnum):
    """Where it stands. What has passed its end date stays active and opens nothing."""

    INVITED = "invited"
    ACTIVE = "active"
    DECLINED = "declined"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PatientRef:
    """A patient somebody was allowed to deal with, and the key to what is written about them.

    `home_zone` is an IANA name; `country` an ISO 3166 code, empty where unknown. Holding one of
    these is the proof that access was checked, so it is made in `patients.service` alone.
    """

    id: UUID
    code: str
    hospital_id: UUID
    user_id: UUID | None
    home_zone: str
    country: str
    vault: KeyRing = field(repr=False)
    basis: Basis = Basis.HOUSE
