"""What other packages see of notices."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class NoticeKind(StrEnum):
    """What a notice is about; the page that shows it looks the rest up."""

    DOSE_DUE = "dose-due"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a kind's name  # pragma: allowlist secret
    EMAIL_CHANGED = "email-changed"
    STAFF_ROLE_CHANGED = "staff-role-changed"
    STAFF_SUSPENDED = "staff-suspended"
    STAFF_REINSTATED = "staff-reinstated"
    STAFF_REMOVED = "staff-removed"
    CARE_STARTED = "care-started"
    CARE_OBJECTED = "care-objected"
    BREAK_GLASS_OPENED = "break-glass-opened"
    BREAK_GLASS_REVIEW = "break-glass-review"
    BREAK_GLASS_ALARM = "break-glass-alarm"
    UNUSUAL_ACCESS = "unusual-access"
    EMAIL_CHANGE_ASKED = "email-change-asked"
    SIGN_UP_TRIED = "sign-up-tried"
    SECOND_FACTOR_ADDED = "second-factor-added"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    SECOND_FACTOR_RESET = "second-factor-reset"
    RECOVERY_CODE_USED = "recovery-code-used"
    RECOVERY_CODES_FEW = "recovery-codes-few"
    RECOVERY_CODES_RENEWED = "recovery-codes-renewed"
    NEW_SIGN_IN = "new-sign-in"
    TOKEN_CREATED = "token-created"  # noqa: S105 - a kind's name
    CAREGIVER_ACCEPTED = "caregiver-accepted"
    CAREGIVER_DECLINED = "caregiver-declined"
    CARE_ENDED = "care-ended"
    CARE_EMERGENCY = "care-emergency"
    CARE_DOSE_MISSED = "care-dose-missed"
    RECORD_HANDED_OVER = "record-handed-over"
    DELETION_ASKED = "deletion-asked"
    DELETION_CANCELLED = "deletion-cancelled"
    PROVIDER_LINKED = "provider-linked"
    PROVIDER_UNLINKED = "provider-unlinked"


@dataclass(frozen=True, slots=True)
class NoticeRef:
    """A notice on somebody's list."""

    id: UUID
    kind: NoticeKind
    subject_id: UUID
    created_at: datetime
    read_at: datetime | None
