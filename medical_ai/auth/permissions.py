"""Roles and what each may do, as prose you can read."""

from enum import StrEnum


class Permission(StrEnum):
    """A permission is `resource:action`."""

    RECORD_READ = "record:read"
    """See entries in a patient's record."""
    RECORD_ASK = "record:ask"
    """Ask the assistant about a patient; what it may look up is a permission each."""
    MEDICATION_READ = "medication:read"
    """See a patient's medicines and doses."""
    MEDICATION_WRITE = "medication:write"
    """Add, change and stop a patient's medicines."""
    DOSE_ANSWER = "dose:answer"
    """Mark a dose taken or skipped."""
    CHAT_USE = "chat:use"
    """Ask the assistant."""
    NOTICE_READ = "notice:read"
    """See one's own notices."""
    CARE_SHARE = "care:share"
    """Let others look after one's own record, and look after others."""
    STAFF_MANAGE = "staff:manage"
    """Manage the staff of a hospital."""


class Role(StrEnum):
    """What somebody is in one hospital."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    NURSE = "nurse"
    BILLING = "billing"
    ADMINISTRATOR = "administrator"


_EVERYONE = frozenset({Permission.CHAT_USE, Permission.NOTICE_READ})
_CLINICIANS = _EVERYONE | {
    Permission.RECORD_READ,
    Permission.RECORD_ASK,
    Permission.MEDICATION_READ,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PATIENT: _EVERYONE
    | {
        Permission.RECORD_READ,
        Permission.RECORD_ASK,
        Permission.MEDICATION_READ,
        Permission.MEDICATION_WRITE,
        Permission.DOSE_ANSWER,
        Permission.CARE_SHARE,
    },
    Role.DOCTOR: _CLINICIANS,
    Role.NURSE: _CLINICIANS,
    Role.BILLING: _EVERYONE,
    Role.ADMINISTRATOR: _EVERYONE | {Permission.STAFF_MANAGE},
}


def permissions_of(role: Role) -> frozenset[str]:
    """Return the permissions of a role as the strings a token carries."""
    return frozenset(permission.value for permission in ROLE_PERMISSIONS[role])
