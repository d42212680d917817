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
    EMAIL_CHANGE_ASKED = "email-change-asked"
    SIGN_UP_TRIED = "sign-up-tried"


@dataclass(frozen=True, slots=True)
class NoticeRef:
    """A notice on somebody's list."""

    id: UUID
    kind: NoticeKind
    subject_id: UUID
    created_at: datetime
    read_at: datetime | None
