"""What can be written in the audit log, as prose you can read: `subject:action`, past tense."""

from enum import StrEnum


class AuditTag(StrEnum):
    """The events of the product."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SIGNED_IN = "account:signed-in"
    ACCOUNT_SIGN_IN_FAILED = "account:sign-in:failed"
    ACCOUNT_SIGNED_OUT = "account:signed-out"
    PROVIDER_LINKED = "account:provider:linked"
    PROVIDER_UNLINKED = "account:provider:unlinked"
    PROVIDER_ROLE_TAKEN_OVER = "account:provider:role-taken-over"
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
