"""What can be written in the audit log, as prose you can read: `subject:action`, past tense."""

from enum import StrEnum


class AuditTag(StrEnum):
    """The events of the product."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SIGNED_IN = "account:signed-in"
    ACCOUNT_SIGN_IN_FAILED = "account:sign-in:failed"
    ACCOUNT_SIGNED_OUT = "account:signed-out"
    SECOND_FACTOR_ADDED = "account:second-factor:added"
    SECOND_FACTOR_REMOVED = "account:second-factor:removed"
    SECOND_FACTOR_RESET = "account:second-factor:reset"
    SECOND_FACTOR_FAILED = "account:second-factor:failed"
    RECOVERY_CODE_USED = "account:recovery-code:used"
    RECOVERY_CODES_RENEWED = "account:recovery-codes:renewed"
    PROOF_RENEWED = "account:proof:renewed"
    PROOF_FAILED = "account:proof:failed"
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
