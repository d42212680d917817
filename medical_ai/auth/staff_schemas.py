"""What the administration of staff and wards takes and gives."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from medical_ai.auth.permissions import Role
from medical_ai.auth.schemas import Email, NewPassword, Zone
from medical_ai.core.schemas import FieldInvalid, Input, Line, Output, Query

MOST_WARDS = 50


class MemberState(StrEnum):
    """Whether a member of staff can sign in to the hospital."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


def _of_staff(role: Role) -> Role:
    if role is Role.PATIENT:
        raise FieldInvalid("Choose doctor, nurse, billing or administrator.")
    return role


StaffRole = Annotated[Role, AfterValidator(_of_staff)]
WardIds = Annotated[list[UUID], Field(max_length=MOST_WARDS)]
WardName = Annotated[Line, StringConstraints(min_length=1, max_length=100)]


class WardBrief(Output):
    """A ward by its name."""

    id: UUID
    name: str


class StaffRead(Output):
    """A member of staff as the administrator sees them; `id` is that of the membership."""

    id: UUID
    name: str
    email: str
    role: str
    wards: list[WardBrief]
    state: MemberState
    joined_at: datetime
    last_seen_at: datetime | None = Field(description="In this hospital, within a day or so.")
    is_you: bool


class StaffQuery(Query):
    """Which page of the staff list."""

    cursor: UUID | None = Field(None, description="`next` of the page before.")


class StaffUpdate(Input):
    """What to change of a member of staff; what is left out stays."""

    role: StaffRole | None = None
    wards: WardIds | None = Field(None, description="Every ward they work on from now on.")
    suspended: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "StaffUpdate":
        if not self.model_fields_set:
            raise FieldInvalid("Say what to change: role, wards or suspended.")
        return self


class InvitationCreate(Input):
    """Whom to invite, as what, and onto which wards."""

    email: Email
    role: StaffRole
    wards: WardIds = []


class InvitationRead(Output):
    """An invitation that waits for its answer."""

    id: UUID
    email: str
    role: str
    wards: list[WardBrief]
    created_at: datetime
    expires_at: datetime


class InvitationCreated(InvitationRead):
    """An invitation that was just made."""

    is_mailed: bool
    link: str | None = Field(
        description="Only where no mail server is configured: hand it over yourself, it is not"
        " shown again."
    )


class InvitationOpened(Output):
    """What somebody who holds an invitation's link sees of it."""

    hospital: str
    role: str
    email: str
    has_account: bool


class InvitationAccept(Input):
    """The new account of somebody who was invited."""

    username: Annotated[Line, StringConstraints(min_length=1, max_length=64)]
    password: NewPassword
    timezone: Zone


class WardCreate(Input):
    """A new ward."""

    name: WardName


class WardUpdate(Input):
    """What to change of a ward; what is left out stays."""

    name: WardName | None = None
    is_open: bool | None = Field(None, description="False closes the ward, true opens it again.")

    @model_validator(mode="after")
    def _says_something(self) -> "WardUpdate":
        if not self.model_fields_set:
            raise FieldInvalid("Say what to change: name or is_open.")
        return self


class WardRead(Output):
    """A ward with how many work there and how many patients are on it."""

    id: UUID
    name: str
    is_open: bool
    staff: int
    patients: int
