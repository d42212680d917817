"""Codes of authenticator apps (RFC 6238) and recovery codes: pure arithmetic and spelling.

Thirty seconds a step, six digits, SHA-1, since that is what every app understands.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from uuid import UUID

import pyotp

PERIOD_SECONDS = 30
DRIFT_STEPS = 1
"""Clocks of telephones differ: the step before and the step after are accepted as well."""
TOTP_CODE = re.compile(r"[0-9]{6}")
ISSUER = "Medical AI Assistant"

RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # pragma: allowlist secret - letters
"""No letter that looks like a figure or like another letter."""
GROUPS, GROUP_LENGTH = 4, 4


def new_secret() -> str:
    """Return a fresh secret of 160 bits as base32, as RFC 4226 advises."""
    return pyotp.random_base32()


def step_of(moment: datetime) -> int:
    """Return the number of the time step a moment is in."""
    return int(moment.timestamp()) // PERIOD_SECONDS


def code_at(secret: str, step: int) -> str:
    """Return the code that an app shows in a time step."""
    return pyotp.TOTP(secret, interval=PERIOD_SECONDS).generate_otp(step)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the step within the drift whose code this is; None when there is none."""
    if not TOTP_CODE.fullmatch(code):
        return None
    middle = step_of(now)
    steps = range(middle - DRIFT_STEPS, middle + DRIFT_STEPS + 1)
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step), code)]
    return max(fitting, default=None)


def enrolment_uri(secret: str, account: str) -> str:
    """Return the otpauth: address that an app reads from a picture."""
    totp = pyotp.TOTP(secret, interval=PERIOD_SECONDS)
    return totp.provisioning_uri(name=account, issuer_name=ISSUER)


def in_groups(secret: str) -> str:
    """Return a secret as it is read aloud or typed: four letters at a time."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def plain(code: str) -> str:
    """Return a code as it is compared: people type spaces, dashes and capitals."""
    return re.sub(r"[\s-]", "", code).lower()


def new_recovery_codes() -> list[str]:
    """Return ten fresh recovery codes of 79 bits each."""
    return [
        "-".join(
            "".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(user_id: UUID, code: str) -> str:
    """Return what is kept of a recovery code. Random codes need no slow hash."""
    return hashlib.sha256(f"recovery:{user_id}:{plain(code)}".encode()).hexdigest()
