"""What can be written in the audit log, as prose you can read: `subject:action`, past tense."""

from enum import StrEnum


class AuditTag(StrEnum):
    """The events of the product."""

    ACCOUNT_CREATED = "account:created"
    ACCOUNT_SIGNED_IN = "account:signed-in"
    ACCOUNT_SIGN_IN_FAILED = "account:sign-in:failed"
    ACCOUNT_SIGNED_OUT = "account:signed-out"
    ACCOUNT_EXPORTED = "account:exported"
    ACCOUNT_PROOF_FAILED = "account:proof:failed"
    ACCOUNT_DELETION_ASKED = "account:deletion:asked"
    ACCOUNT_DELETION_CANCELLED = "account:deletion:cancelled"
    ACCOUNT_DELETED = "account:deleted"
    TOKEN_REUSED = "token:reused"  # noqa: S105 - an event's name
    PATIENT_CREATED = "patient:created"
    RECORD_VIEWED = "patient:record:viewed"
    ACCESS_REFUSED = "access:refused"
    CAREGIVER_INVITED = "caregiver:invited"
    CAREGIVER_ACCEPTED = "caregiver:accepted"
    CAREGIVER_DECLINED = "caregiver:declined"
    CAREGIVER_CHANGED = "caregiver:changed"
    CAREGIVER_WITHDRAWN = "caregiver:withdrawn"
    DEPENDANT_ADDED = "dependant:added"
    PROXY_CHANGED = "proxy:changed"
    HANDOVER_OFFERED = "record:handover:offered"
    RECORD_HANDED_OVER = "record:handed-over"
    MEDICATION_ADDED = "medication:added"
    MEDICATION_CHANGED = "medication:changed"
    MEDICATION_STOPPED = "medication:stopped"
    DOSE_TAKEN = "dose:taken"
    DOSE_SKIPPED = "dose:skipped"
    REMINDER_SENT = "reminder:sent"
    TOOL_CALLED = "tool:called"
    CONVERSATION_DELETED = "conversation:deleted"
    EMERGENCY_ADVISED = "assistant:emergency:advised"
