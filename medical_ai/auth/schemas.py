"""What the account endpoints take and give."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.auth.permissions import Permission
from medical_ai.core.schemas import FieldInvalid, Input, Line, Output
from medical_ai.core.zones import known_zone

Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
NewPassword = Annotated[
    str, StringConstraints(min_length=MIN_CHARACTERS, max_length=MAX_CHARACTERS)
]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(known_zone)]


def _deliverable(address: str) -> str:
    if not address.partition("@")[0].isascii():  # few mail servers speak SMTPUTF8 (RFC 6531)
        raise FieldInvalid("Use an address with plain letters before the @.")
    return address


Email = Annotated[EmailStr, StringConstraints(max_length=254), AfterValidator(_deliverable)]


class SignUp(Input):
    """A new account."""

    email: Email
    username: Annotated[Line, StringConstraints(min_length=1, max_length=64)] | None = None
    password: NewPassword
    timezone: Zone | None = Field(None, description="IANA name, such as Europe/Berlin.")


class SignIn(Input):
    """Proof of being who one says."""

    email: Annotated[Line, StringConstraints(min_length=1, max_length=254)]
    password: Password
    otp: Annotated[Line, StringConstraints(max_length=64)] | None = Field(
        None, description="Code of the second factor, where one is set up."
    )


class HospitalRead(Output):
    """The hospital a session is in."""

    id: UUID
    name: str


class UserRead(Output):
    """An account as its owner sees it."""

    id: UUID
    email: str
    username: str
    timezone: str
    role: str
    permissions: list[str]
    hospital: HospitalRead


class Tokens(Output):
    """A signed-in session."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750's name
    expires_in: int = Field(description="Life of the access token in seconds.")
    user: UserRead


class SessionRead(Output):
    """One signed-in session of one's own."""

    id: UUID
    device: str = Field(description="The browser or program in words, as it names itself.")
    place: str = Field(description="The network, or near where it is, as far as that is known.")
    address: str
    signed_in_at: datetime
    last_seen_at: datetime = Field(description="To the minute.")
    ends_at: datetime = Field(description="When it ends if it is not used again.")
    is_current: bool = Field(description="Whether it is the one that asks.")


class PersonalTokenCreate(Input):
    """A personal access token to be made."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=60)] = Field(
        description="What it is for."
    )
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=20)] | None = Field(
        None, description="Permissions of one's own; without them those that only read."
    )
    expires_on: date = Field(description="The last day it works, in one's own time zone.")
    password: Password | None = Field(
        None, description="One's own; needed unless one signed in within the last ten minutes."
    )


class PersonalTokenRead(Output):
    """A personal access token, without its text."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    is_expired: bool
    last_used_at: datetime | None = Field(description="To the minute; null: never.")
    last_used_from: str = Field(description="The address it was used from last.")


class PersonalTokenMade(PersonalTokenRead):
    """A personal access token that was just made."""

    token: str = Field(description="Its text. It is shown this once and is stored nowhere.")


class Verification(Output):
    """A token that holds, and what it says."""

    valid: bool
    claims: dict[str, Any]
