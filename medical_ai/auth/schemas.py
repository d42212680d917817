"""What the account endpoints take and give."""

from datetime import datetime
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


class Verification(Output):
    """A token that holds, and what it says."""

    valid: bool
    claims: dict[str, Any]
