"""The text of a personal access token, and the words for what one may be allowed to do.

The text is `mai_pat_`, 64 random hex digits, and 8 that check them: a scanner for secrets knows it
at sight, and a mistyped one is refused without asking the database. Pure.
"""

import hashlib
import re
import secrets
import zlib

from medical_ai.auth.permissions import Permission

PREFIX = "mai_pat_"
RANDOM_BYTES = 32
_FORM = re.compile(rf"{PREFIX}([0-9a-f]{{{2 * RANDOM_BYTES}}})([0-9a-f]{{8}})")

SCOPES: dict[Permission, str] = {
    Permission.RECORD_READ: "See entries in a record",
    Permission.MEDICATION_READ: "See medicines and doses",
    Permission.NOTICE_READ: "See your notices",
    Permission.MEDICATION_WRITE: "Add, change and stop medicines",
    Permission.DOSE_ANSWER: "Mark doses as taken or skipped",
    Permission.CHAT_USE: "Ask the assistant",
    Permission.RECORD_ASK: "Ask the assistant about a patient",
    Permission.PATIENT_LIST: "Look up the patients you deal with",
    Permission.PATIENT_READ: "See who a patient is",
    Permission.CARE_TEAM_READ: "See who looks after a patient",
    Permission.ACCESS_LOG_READ: "See who looked at your record",
    Permission.AUDIT_READ: "Search the hospital's log of access",
}
"""What a token may be allowed, in words for the person who makes it."""

WITHHELD: dict[Permission, str] = {
    Permission.STAFF_MANAGE: "whoever manages staff does so in person",
    Permission.PATIENT_WRITE: "who somebody is is said by themselves",
    Permission.PATIENT_REGISTER: "a patient is registered by a person",
    Permission.CARE_TEAM_MANAGE: "who looks after a patient is decided by a person",
    Permission.WARD_STAY_WRITE: "where a patient lies is said by who is there",
    Permission.BREAK_GLASS: "an emergency is declared by a person",
    Permission.BREAK_GLASS_REVIEW: "a person looks into emergencies",
    Permission.CARE_SHARE: "a consent is given by a person",
}
"""Permissions that no token carries, each with its reason."""


def new_token() -> str:
    """Return the text of a new token: 256 random bits and their checksum."""
    digits = secrets.token_hex(RANDOM_BYTES)
    return f"{PREFIX}{digits}{_checksum(digits)}"


def looks_like_token(text: str) -> bool:
    """Tell whether a text says it is one of these tokens; it may still be wrong."""
    return text.startswith(PREFIX)


def hash_of(text: str) -> str | None:
    """Return the hash a token is found by; None where its form or checksum is wrong."""
    found = _FORM.fullmatch(text)
    if found is None or _checksum(found[1]) != found[2]:
        return None
    return hashlib.sha256(text.encode()).hexdigest()


def is_reading(permission: str) -> bool:
    """Tell whether a permission only lets one look."""
    return permission.endswith(":read")


def _checksum(digits: str) -> str:
    return f"{zlib.crc32(digits.encode()):08x}"
