"""What other packages see of notices."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class NoticeKind(StrEnum):
    """What a notice is about; the page that shows it looks the rest up."""

    DOSE_DUE = "dose-due"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a kind's name
    EMAIL_CHANGED = "email-changed"
    CAREGIVER_ACCEPTED = "caregiver-accepted"
    CAREGIVER_DECLINED = "caregiver-declined"
    CARE_ENDED = "care-ended"
    RECORD_HANDED_OVER = "record-handed-over"
    DELETION_ASKED = "deletion-asked"
    DELETION_CANCELLED = "deletion-cancelled"


@dataclass(frozen=True, slots=True)
class NoticeRef:
    """A notice on somebody's list."""

    id: UUID
    kind: NoticeKind
    subject_id: UUID
    created_at: datetime
    read_at: datetime | None
