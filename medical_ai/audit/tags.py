"""What can be written in the audit log, as prose you can read: `subject:action`, past tense."""

from enum import StrEnum


class AuditTag(StrEnum):
    """The events of the product."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SIGNED_IN = "account:signed-in"
    ACCOUNT_SIGN_IN_FAILED = "account:sign-in:failed"
    ACCOUNT_SIGNED_OUT = "account:signed-out"
    TOKEN_REUSED = "token:reused"  # noqa: S105 - an event's name
    PATIENT_CREATED = "patient:created"
    RECORD_VIEWED = "patient:record:viewed"
    PATIENT_LISTED = "patient:listed"
    PATIENT_CHANGED = "patient:changed"
    CARE_STARTED = "care:started"
    CARE_ENDED = "care:ended"
    CARE_OBJECTED = "care:objected"
    WARD_CHANGED = "ward-stay:changed"
    BREAK_GLASS_OPENED = "break-glass:opened"
    BREAK_GLASS_CLOSED = "break-glass:closed"
    BREAK_GLASS_REFUSED = "break-glass:refused"
    BREAK_GLASS_REVIEWED = "break-glass:reviewed"
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
