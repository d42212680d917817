"""What other packages see of a patient, and what the endpoints take and give."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Generic, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from medical_ai.core import clock
from medical_ai.core.crypto import KeyRing
from medical_ai.core.schemas import (
    Day,
    FieldInvalid,
    Input,
    Item,
    Line,
    Listing,
    Output,
    Prose,
    Query,
)
from medical_ai.core.zones import known_zone

OLDEST_YEARS = 130


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
    BREAK_GLASS = "break-glass"
    """They opened it in an emergency, for a limited time."""
    HOSPITAL = "hospital"
    """Their work concerns every patient of the hospital."""
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


def _born_in_time(day: date) -> date:
    # Somewhere it is tomorrow already: who was born there today is born.
    latest = (clock.now() + timedelta(hours=14)).date()
    if not latest.year - OLDEST_YEARS <= day.year or day > latest:
        raise FieldInvalid("Enter the day of birth; it cannot lie ahead or so long ago.")
    return day


def _says_something(text: str) -> str:
    if not any(letter.isalnum() for letter in text):
        raise FieldInvalid("There is no letter or digit in this.")
    return text


BirthDate = Annotated[Day, AfterValidator(_born_in_time)]
Short = Annotated[
    Line, StringConstraints(min_length=1, max_length=200), AfterValidator(_says_something)
]
Phone = Annotated[Line, StringConstraints(pattern=r"^\+?[0-9(][0-9 ()./-]{2,30}$")]
Number = Annotated[
    Line, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]{1,39}$", max_length=40)
]
Language = Annotated[
    Line, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", max_length=35)
]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(known_zone)]
Sex = Literal["female", "male", "other", "unknown"]


class Details(Input):
    """Who a patient is. Everything may be left out."""

    name: Short | None = Field(None, description="As it is written, given and family name.")
    birth_date: BirthDate | None = None
    sex: Sex | None = Field(None, description="Administrative gender (FHIR).")
    phone: Phone | None = None
    email: Annotated[EmailStr, StringConstraints(max_length=254)] | None = Field(
        None, description="Where to write to; not what one signs in with."
    )
    address: (
        Annotated[
            Prose,
            StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
            AfterValidator(_says_something),
        ]
        | None
    ) = None
    national_id: Number | None = Field(None, description="Number of the state's, such as an SSN.")
    insurance_number: Number | None = None
    language: Language | None = Field(None, description="BCP 47, such as `de` or `pt-BR`.")
    emergency_contact: Short | None = Field(None, description="Who to call, and how.")


class DetailsRead(Output):
    """Who a patient is, as it was written; what was left out is null."""

    name: str | None
    birth_date: date | None
    sex: str | None
    phone: str | None
    email: str | None
    address: str | None
    national_id: str | None
    insurance_number: str | None
    language: str | None
    emergency_contact: str | None


class PatientCreate(Details):
    """A patient to register, by name at the least."""

    name: Short
    timezone: Zone = Field("UTC", description="Where they live, such as Europe/Berlin.")


class PatientsQuery(Query):
    """Which patients; all that one deals with where nothing is asked for."""

    query: Annotated[str, StringConstraints(max_length=100)] = Field(
        "", description="A code, or beginnings of the words of a name."
    )
    birth_date: Day | None = Field(None, description="Only those born on this day.")
    cursor: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,9}$")] | None = Field(
        None, description="`next` of the page before."
    )


class PatientListed(Output):
    """A patient in a list, as far as one's role may see. What is held back is null."""

    code: str
    name: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    basis: Basis = Field(description="Why one may see this.")
    hidden_fields: list[str] = Field(description="What is held back or masked.")


class PatientRead(PatientListed):
    """A patient as far as one's role may see. What is held back is null, what is masked is dots."""

    id: UUID
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    national_id: str | None = None
    insurance_number: str | None = None
    language: str | None = None
    emergency_contact: str | None = None
    country: str | None = None
    home_zone: str | None = None
    open_until: datetime | None = Field(
        None, description="When the record closes again that was opened in an emergency."
    )


class SeenListing(Listing[Item], Generic[Item]):
    """A page of somebody's record as far as one's role may see."""

    hidden_fields: list[str] = Field(description="What is held back or masked in each item.")


class CareMember(Output):
    """Somebody who looks after a patient."""

    id: UUID = Field(description="Of the care, not of the person.")
    name: str
    role: str
    started_at: datetime
    objected_at: datetime | None = Field(description="When the patient asked for it to end.")


class CareCreate(Input):
    """Who is to look after the patient."""

    email: Annotated[Line, StringConstraints(min_length=3, max_length=254)] = Field(
        description="What a doctor or nurse of the hospital signs in with."
    )


class WardStayUpdate(Input):
    """The ward a patient is on from now on; null where they leave."""

    ward_id: Annotated[UUID, Field(strict=False)] | None


class WardStayRead(Output):
    """The ward a patient is on."""

    ward_id: UUID | None
    ward: str | None
    started_at: datetime | None


class BreakGlassCreate(Input):
    """Why a record outside one's care is opened."""

    reason: Annotated[
        Prose,
        StringConstraints(min_length=10, max_length=500, strip_whitespace=True),
        AfterValidator(_says_something),
    ]


class BreakGlassRead(Output):
    """A record that is open to whoever asked, for a time."""

    id: UUID
    code: str
    opened_at: datetime
    expires_at: datetime


class BreakGlassReview(BreakGlassRead):
    """A record that was opened in an emergency, to be looked into."""

    opened_by: str
    reason: str
    closed_at: datetime | None
    reviewed_at: datetime | None
    reviewed_by: str | None


class BreakGlassQuery(Query):
    """Which of them; the latest first."""

    cursor: UUID | None = Field(None, description="`next` of the page before.")
