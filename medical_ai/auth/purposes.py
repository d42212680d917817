"""What a secret link, or a challenge, can be for."""

from enum import StrEnum


class OneTimePurpose(StrEnum):
    """A token made for one purpose is worth nothing for another."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - a purpose's name  # pragma: allowlist secret
    CHANGE_EMAIL = "change-email"
    STAFF_INVITATION = "staff-invitation"
    CAREGIVER_INVITATION = "caregiver-invitation"
    RECORD_HANDOVER = "record-handover"


class ChallengePurpose(StrEnum):
    """A challenge made for one purpose is worth nothing for another."""

    SECOND_STEP = "second-step"
    TOTP_ENROLMENT = "totp-enrolment"
    PASSKEY_ENROLMENT = "passkey-enrolment"
    PASSKEY_SIGN_IN = "passkey-sign-in"
    PASSKEY_PROOF = "passkey-proof"
