"""What the account endpoints take and give."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.core.schemas import FieldInvalid, Input, Line, Output
from medical_ai.core.zones import known_zone

Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_CHARACTERS)]
NewPassword = Annotated[
    str, StringConstraints(min_length=MIN_CHARACTERS, max_length=MAX_CHARACTERS)
]
OneTimeCode = Annotated[Line, StringConstraints(max_length=64)]
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
    otp: OneTimeCode | None = Field(
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


class Verification(Output):
    """A token that holds, and what it says."""

    valid: bool
    claims: dict[str, Any]
