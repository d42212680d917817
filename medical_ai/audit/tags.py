"""What can be written in the audit log, as prose you can read: `subject:action`, past tense."""

from enum import StrEnum


class AuditTag(StrEnum):
    """The events of the product."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SIGNED_IN = "account:signed-in"
    ACCOUNT_SIGN_IN_FAILED = "account:sign-in:failed"
    ACCOUNT_SIGNED_OUT = "account:signed-out"
    ACCOUNT_EMAIL_VERIFIED = "account:email:verified"
    ACCOUNT_EMAIL_CHANGE_ASKED = "account:email-change:asked"
    ACCOUNT_EMAIL_CHANGED = "account:email:changed"
    ACCOUNT_PASSWORD_CHANGED = "account:password:changed"  # noqa: S105 - an event's name  # pragma: allowlist secret
    ACCOUNT_PASSWORD_RESET = "account:password:reset"  # noqa: S105 - an event's name  # pragma: allowlist secret
    ACCOUNT_RESET_LINK_MADE = "account:reset-link:made"
    ACCOUNT_PASSWORD_REFUSED = "account:password:refused"  # noqa: S105 - an event's name  # pragma: allowlist secret
    ACCOUNT_PROFILE_CHANGED = "account:profile:changed"
    TOKEN_REUSED = "token:reused"  # noqa: S105 - an event's name
    PATIENT_CREATED = "patient:created"
    RECORD_VIEWED = "patient:record:viewed"
    ACCESS_REFUSED = "access:refused"
    MEDICATION_ADDED = "medication:added"
    MEDICATION_CHANGED = "medication:changed"
    MEDICATION_STOPPED = "medication:stopped"
    DOSE_TAKEN = "dose:taken"
    DOSE_SKIPPED = "dose:skipped"
    REMINDER_SENT = "reminder:sent"
    TOOL_CALLED = "tool:called"
    CONVERSATION_DELETED = "conversation:deleted"
    EMERGENCY_ADVISED = "assistant:emergency:advised"
