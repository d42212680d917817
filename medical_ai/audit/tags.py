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
    SECOND_FACTOR_ADDED = "account:second-factor:added"
    SECOND_FACTOR_REMOVED = "account:second-factor:removed"
    SECOND_FACTOR_RESET = "account:second-factor:reset"
    SECOND_FACTOR_FAILED = "account:second-factor:failed"
    RECOVERY_CODE_USED = "account:recovery-code:used"
    RECOVERY_CODES_RENEWED = "account:recovery-codes:renewed"
    PROOF_RENEWED = "account:proof:renewed"
    PROOF_FAILED = "account:proof:failed"
    ACCOUNT_EXPORTED = "account:exported"
    ACCOUNT_DELETION_ASKED = "account:deletion:asked"
    ACCOUNT_DELETION_CANCELLED = "account:deletion:cancelled"
    ACCOUNT_DELETED = "account:deleted"
    PROVIDER_LINKED = "account:provider:linked"
    PROVIDER_UNLINKED = "account:provider:unlinked"
    PROVIDER_ROLE_TAKEN_OVER = "account:provider:role-taken-over"
    TOKEN_REUSED = "token:reused"  # noqa: S105 - an event's name
    HOSPITAL_SWITCHED = "account:hospital:switched"
    PERMISSION_WITHDRAWN = "role:permission:withdrawn"
    PERMISSION_GRANTED = "role:permission:granted"
    STAFF_INVITED = "staff:invited"
    STAFF_INVITATION_WITHDRAWN = "staff:invitation:withdrawn"
    STAFF_JOINED = "staff:joined"
    STAFF_ROLE_CHANGED = "staff:role:changed"
    STAFF_SUSPENDED = "staff:suspended"
    STAFF_REINSTATED = "staff:reinstated"
    STAFF_WARDS_CHANGED = "staff:wards:changed"
    STAFF_REMOVED = "staff:removed"
    WARD_OPENED = "ward:opened"
    WARD_RENAMED = "ward:renamed"
    WARD_CLOSED = "ward:closed"
    SESSION_REVOKED = "session:revoked"
    SESSION_EXPIRED = "session:expired"
    PERSONAL_TOKEN_CREATED = "personal-token:created"  # noqa: S105 - an event's name
    PERSONAL_TOKEN_REVOKED = "personal-token:revoked"  # noqa: S105 - an event's name
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
    ACCESS_LOG_EXPORTED = "access-log:exported"
    AUDIT_SEARCHED = "audit:searched"
    AUDIT_ALARM = "audit:alarm"
    CAREGIVER_INVITED = "caregiver:invited"
    CAREGIVER_ACCEPTED = "caregiver:accepted"
    CAREGIVER_DECLINED = "caregiver:declined"
    CAREGIVER_CHANGED = "caregiver:changed"
    CAREGIVER_WITHDRAWN = "caregiver:withdrawn"
    CAREGIVERS_ALARMED = "caregivers:alarmed"
    DEPENDANT_ADDED = "dependant:added"
    PROXY_CHANGED = "proxy:changed"
    HANDOVER_OFFERED = "record:handover:offered"
    RECORD_DESTROYED = "record:destroyed"
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
