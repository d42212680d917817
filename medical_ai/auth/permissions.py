"""Roles and what each may do, as prose you can read."""

import ast
import inspect
from enum import StrEnum
from functools import cache
from typing import cast


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
    PATIENT_LIST = "patient:list"
    """Look up the patients one deals with."""
    PATIENT_READ = "patient:read"
    """See who a patient is, as far as one's role may."""
    PATIENT_WRITE = "patient:write"
    """Say who one is: name, birth, contact, numbers."""
    PATIENT_REGISTER = "patient:register"
    """Register a patient of the hospital."""
    CARE_TEAM_READ = "care-team:read"
    """See who looks after a patient."""
    CARE_TEAM_MANAGE = "care-team:manage"
    """Let colleagues look after a patient, and end it."""
    WARD_STAY_WRITE = "ward-stay:write"
    """Say which ward a patient is on."""
    BREAK_GLASS = "break-glass:open"
    """Open a record outside one's care in an emergency."""
    BREAK_GLASS_REVIEW = "break-glass:review"
    """Read why records were opened in an emergency."""
    CHAT_USE = "chat:use"
    """Ask the assistant."""
    NOTICE_READ = "notice:read"
    """See one's own notices."""
    CARE_SHARE = "care:share"
    """Let others look after one's own record, and look after others."""
    STAFF_MANAGE = "staff:manage"
    """Manage the staff of a hospital."""
    ACCESS_LOG_READ = "access-log:read"
    """See who looked at one's own record, and export that."""
    AUDIT_READ = "audit:read"
    """Search the audit log of a hospital."""


class Role(StrEnum):
    """What somebody is in one hospital."""

    PATIENT = "patient"
    DOCTOR = "doctor"
    NURSE = "nurse"
    BILLING = "billing"
    ADMINISTRATOR = "administrator"


_EVERYONE = frozenset({Permission.CHAT_USE, Permission.NOTICE_READ, Permission.PATIENT_READ})
_TREATING = frozenset(
    {
        Permission.RECORD_READ,
        Permission.RECORD_ASK,
        Permission.MEDICATION_READ,
        Permission.CARE_TEAM_READ,
    }
)

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.PATIENT: _EVERYONE
    | {
        Permission.RECORD_READ,
        Permission.RECORD_ASK,
        Permission.MEDICATION_READ,
        Permission.MEDICATION_WRITE,
        Permission.DOSE_ANSWER,
        Permission.PATIENT_WRITE,
        Permission.CARE_TEAM_READ,
        Permission.ACCESS_LOG_READ,
        Permission.CARE_SHARE,
    },
    Role.DOCTOR: _EVERYONE
    | _TREATING
    | {Permission.PATIENT_LIST, Permission.CARE_TEAM_MANAGE, Permission.BREAK_GLASS},
    Role.NURSE: _EVERYONE | _TREATING | {Permission.PATIENT_LIST, Permission.WARD_STAY_WRITE},
    Role.BILLING: _EVERYONE | {Permission.PATIENT_LIST},
    Role.ADMINISTRATOR: _EVERYONE
    | {
        Permission.STAFF_MANAGE,
        Permission.PATIENT_LIST,
        Permission.PATIENT_REGISTER,
        Permission.CARE_TEAM_READ,
        Permission.CARE_TEAM_MANAGE,
        Permission.WARD_STAY_WRITE,
        Permission.BREAK_GLASS_REVIEW,
        Permission.AUDIT_READ,
    },
}


STAFF_ROLES = tuple(role for role in Role if role is not Role.PATIENT)
"""What somebody can be invited as."""

FIXED = {Role.ADMINISTRATOR: frozenset({Permission.STAFF_MANAGE})}
"""What no hospital can withdraw: without it nobody could ever give anything back."""


def permissions_of(role: Role) -> frozenset[str]:
    """Return the permissions of a role as the strings a token carries."""
    return frozenset(permission.value for permission in ROLE_PERMISSIONS[role])


@cache
def descriptions() -> dict[Permission, str]:
    """Return the sentence that stands under each permission."""
    declared = cast(ast.ClassDef, ast.parse(inspect.getsource(Permission)).body[0])
    found: dict[Permission, str] = {}
    for value, about in zip(declared.body, declared.body[1:], strict=False):
        if isinstance(value, ast.Assign) and isinstance(about, ast.Expr):
            found[Permission(ast.literal_eval(value.value))] = str(ast.literal_eval(about.value))
    return found
