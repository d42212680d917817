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
    ACCESS_REFUSED = "access:refused"
    ACCESS_LOG_EXPORTED = "access-log:exported"
    AUDIT_SEARCHED = "audit:searched"
    AUDIT_ALARM = "audit:alarm"
    MEDICATION_ADDED = "medication:added"
    MEDICATION_CHANGED = "medication:changed"
    MEDICATION_STOPPED = "medication:stopped"
    DOSE_TAKEN = "dose:taken"
    DOSE_SKIPPED = "dose:skipped"
    REMINDER_SENT = "reminder:sent"
    TOOL_CALLED = "tool:called"
    CONVERSATION_DELETED = "conversation:deleted"
    EMERGENCY_ADVISED = "assistant:emergency:advised"


class Outcome(StrEnum):
    """What became of what somebody wanted."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    ALARM = "alarm"


MARKED_OUTCOMES = {
    outcome: f":{outcome.value}" for outcome in (Outcome.REFUSED, Outcome.FAILED, Outcome.ALARM)
}
"""How a tag ends whose outcome is not that it was done."""


def outcome_of(tag: str) -> Outcome:
    """Return the outcome that a tag speaks of."""
    marked = (outcome for outcome, ending in MARKED_OUTCOMES.items() if tag.endswith(ending))
    return next(marked, Outcome.DONE)
