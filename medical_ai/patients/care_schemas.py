"""What the endpoints of caregivers and dependants take and give."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from medical_ai.auth.schemas import Email, Zone
from medical_ai.core.schemas import Input, Line, Output
from medical_ai.patients.consent import Alarm, Share
from medical_ai.patients.schemas import CareKind, CareStatus

Name = Annotated[Line, StringConstraints(min_length=1, max_length=100)]
Secret = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
MAX_CHOICES = 16
Shares = Annotated[list[Share], Field(max_length=MAX_CHOICES)]
Alarms = Annotated[list[Alarm], Field(max_length=MAX_CHOICES)]


class Relation(StrEnum):
    """Whom somebody decides for."""

    CHILD = "child"
    ADULT = "adult"


class CaregiverInvite(Input):
    """Somebody to be invited, and what they may do."""

    email: Email
    shares: Annotated[Shares, Field(min_length=1)]
    alarms: Alarms = []
    ends_on: date | None = Field(None, description="The last day, by the patient's clock.")


class CaregiverUpdate(Input):
    """What changes of a consent; what is left out stays."""

    shares: Annotated[Shares, Field(min_length=1)] | None = None
    alarms: Alarms | None = None
    ends_on: date | None = Field(None, description="The last day; null: until it is taken back.")


class CaregiverRead(Output):
    """A caregiver as the patient sees them. `name` and `account` are of who accepted."""

    id: UUID
    kind: CareKind
    status: CareStatus
    email: str | None
    name: str | None
    account: str | None
    shares: list[Share]
    alarms: list[Alarm]
    ends_on: date | None
    created_at: AwareDatetime
    answered_at: AwareDatetime | None
    is_over: bool


class CaregiverInvited(CaregiverRead):
    """A caregiver who was just invited; the link is here once, where no mail carries it."""

    link: str | None


class SecretLink(Input):
    """The secret part of a link."""

    token: Secret


class InvitationRead(Output):
    """Who asks for help, and what the invited person would see."""

    asked_by: str
    shares: list[Share]
    alarms: list[Alarm]
    ends_on: date | None


class PersonRead(Output):
    """Somebody the account looks after."""

    id: UUID = Field(description="Of the relationship.")
    patient_id: UUID
    code: str
    name: str
    kind: CareKind
    relationship: str
    birth_date: date | None
    shares: list[Share]
    alarms: list[Alarm] = Field(description="What the account is told of when it happens.")
    ends_on: date | None
    home_zone: str


class DependantCreate(Input):
    """A child, or an adult who cannot decide, whose record somebody opens and keeps."""

    name: Name | None = None
    birth_date: date | None = None
    timezone: Zone
    relationship: Relation
    ends_on: date = Field(description="The last day of deciding for them.")


class DependantUpdate(Input):
    """Another last day."""

    ends_on: date


class HandoverCreate(Input):
    """Where the link to the record goes."""

    email: Email


class HandoverOffered(Output):
    """A record that can be taken over; the link is here once, where no mail carries it."""

    email: str
    link: str | None


class HandoverAccept(Input):
    """Taking over one's own record."""

    token: Secret
    keeps_caregiver: bool = Field(
        False, description="Whoever kept the record stays a caregiver who sees the medicines."
    )
