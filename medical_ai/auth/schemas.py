"""What the account endpoints take and give."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from medical_ai.auth.password_rules import normal_new_password, normal_password
from medical_ai.auth.passwords import MAX_CHARACTERS, MIN_CHARACTERS
from medical_ai.auth.permissions import Permission
from medical_ai.core.schemas import FieldInvalid, Input, Line, Output
from medical_ai.core.zones import known_zone

Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_CHARACTERS),
    AfterValidator(normal_password),
]
NewPassword = Annotated[
    str,
    StringConstraints(min_length=MIN_CHARACTERS, max_length=MAX_CHARACTERS),
    AfterValidator(normal_new_password),
]
Name = Annotated[Line, StringConstraints(min_length=1, max_length=64)]
LinkToken = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
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
    username: Name | None = None
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


class HospitalChoice(HospitalRead):
    """A hospital that a session can be in, and what the person is there."""

    role: str


class UserRead(Output):
    """An account as its owner sees it."""

    id: UUID
    email: str
    email_verified: bool
    username: str
    timezone: str
    role: str
    permissions: list[str]
    hospital: HospitalRead
    hospitals: list[HospitalChoice] = Field(
        description="Every hospital the account can open, by name."
    )


class Tokens(Output):
    """A signed-in session."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6750's name
    expires_in: int = Field(description="Life of the access token in seconds.")
    user: UserRead


LONGEST_ANSWER = 16_000
"""Characters of a passkey's answer: the longest credential id and key take a third of it."""
OtpCode = Annotated[Line, StringConstraints(min_length=6, max_length=64)]


class TotpConfirm(Input):
    """The code that the authenticator app shows."""

    code: OtpCode


class TotpEnrolment(Output):
    """The secret of an authenticator app that waits for its first code."""

    secret: str = Field(description="Base32, to be typed into the app.")
    otpauth_uri: str = Field(description="The same as an address, to be shown as a QR picture.")


class RecoveryCodes(Output):
    """Recovery codes, shown this once; empty where earlier ones still hold."""

    recovery_codes: list[str]


class FactorsRead(Output):
    """Which second factors an account has."""

    totp: bool
    passkeys: int
    recovery_codes_left: int
    is_required: bool = Field(description="True where the role must have a second factor.")


class Proof(Input):
    """Proof, in the middle of a session, of being who one says."""

    password: Password
    otp: Annotated[Line, StringConstraints(max_length=64)] | None = Field(
        None, description="Code of the second factor, where one is set up."
    )


class PasskeyCreate(Input):
    """A new passkey: what to call it, and what the browser answered, as the JSON of WebAuthn."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=64)]
    credential: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_ANSWER)]


class PasskeyRead(Output):
    """A passkey as its owner sees it."""

    id: UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None


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


class HospitalSwitch(Input):
    """Which hospital this session is to be in."""

    hospital_id: UUID


class RolePermissionRead(Output):
    """A permission that a role is declared to have."""

    name: str
    description: str
    granted: bool = Field(description="False where the hospital withdrew it.")
    fixed: bool = Field(description="True where it cannot be withdrawn.")


class RoleRead(Output):
    """A role and what it may do in one hospital."""

    role: str
    permissions: list[RolePermissionRead]


class PermissionChange(Input):
    """A permission to withdraw or to give back."""

    permission: Permission
    granted: bool


class LinkUse(Input):
    """The token of a secret link."""

    token: LinkToken


class PasswordForgotten(Input):
    """Where a link for a new password is to go."""

    email: Email


class PasswordReset(Input):
    """A new password, and the token of the link that was mailed."""

    token: LinkToken
    password: NewPassword


class PasswordChange(Input):
    """A new password, and proof of knowing the present one."""

    current_password: Password
    new_password: NewPassword


class EmailChange(Input):
    """A new address, and proof of knowing the password."""

    email: Email
    password: Password


class ProfileUpdate(Input):
    """How somebody is called and by which clock they live; what is left out stays."""

    username: Name | None = None
    timezone: Zone | None = Field(None, description="IANA name, such as Europe/Berlin.")


class Acknowledgement(Output):
    """What came of a request whose rest happens by mail."""

    status: Literal["verification-sent", "reset-sent", "confirmation-sent", "changed", "verified"]
