"""What a secret link can be for."""

from enum import StrEnum


class OneTimePurpose(StrEnum):
    """A token made for one purpose is worth nothing for another."""

    VERIFY_EMAIL = "verify-email"
    RESET_PASSWORD = "reset-password"  # noqa: S105 - a purpose's name  # pragma: allowlist secret
    CHANGE_EMAIL = "change-email"
    STAFF_INVITATION = "staff-invitation"
    CAREGIVER_INVITATION = "caregiver-invitation"
