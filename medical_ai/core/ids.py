"""Identifiers: UUIDv7 for rows, short public codes for patients."""

import secrets
from uuid import UUID

from uuid_utils.compat import uuid7

# Letters that are told apart when read aloud or written by hand; no Q, Y, or lone O beside 0.
CONSONANTS = "BDFGHJKLMNPRSTVWZ"
VOWELS = "AEIOU"
CODE_SHAPE = "cvccv"
PATIENT_CODE_PATTERN = r"^[A-Z]{5,9}$"


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562): unique, and ordered by the time it was made."""
    return UUID(str(uuid7()))


def new_patient_code(extra_syllables: int = 0) -> str:
    """Return a pronounceable code such as `NUGWI`; longer by two letters per extra syllable.

    The code is a name and not a secret: whoever knows it still needs permission.
    """
    shape = CODE_SHAPE + "cv" * extra_syllables
    return "".join(secrets.choice(CONSONANTS if kind == "c" else VOWELS) for kind in shape)
