"""Password hashing: argon2id, with a bound on how many hashes run at once.

Hashes of bcrypt that were brought from elsewhere are verified, and replaced at the next sign-in.

Parameters: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet). Each hash holds
its memory while it runs, so an unbounded number of sign-ins would fill the machine.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from medical_ai.core.errors import UpstreamUnavailable

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
SLOT_TIMEOUT_SECONDS = 5.0
MIN_CHARACTERS = 8
MAX_CHARACTERS = 256
BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
BCRYPT_BYTES = 72

M_MMAP_THRESHOLD = -3
"""mallopt(3): from which size on memory is given back to the system when it is freed."""


def _give_memory_back() -> None:
    # glibc would keep 19 MiB in the arena of every thread that ever hashed.
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 20)


_give_memory_back()
_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


def hash_password(password: str, *, at_once: int) -> str:
    """Return the PHC string of a password. Raises UpstreamUnavailable when too many run."""
    with _slot(at_once):
        return _hasher.hash(password)


def verify_password(
    password_hash: str | None, password: str, *, at_once: int, brought: str | None = None
) -> bool:
    """Tell whether the password fits.

    Without a hash a stand-in is verified, so that an unknown account takes as long as a known
    one. `brought` is anybody's bcrypt hash, where the installation still has some: then every
    account, known or not, costs one hash of each kind. Raises UpstreamUnavailable when too many
    hashes run.
    """
    is_brought = _is_bcrypt(password_hash)
    with _slot(at_once):
        fits = _fits_argon2(None if is_brought else password_hash, password)
        if is_brought:
            return _fits_bcrypt(password_hash or "", password)
        if brought:
            _fits_bcrypt(brought, password)
        return fits


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash should be made anew now that its password is at hand."""
    return _is_bcrypt(password_hash) or _hasher.check_needs_rehash(password_hash)


def _is_bcrypt(password_hash: str | None) -> bool:
    return bool(password_hash) and str(password_hash).startswith(BCRYPT_PREFIXES)


def _fits_argon2(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _stand_in(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def _fits_bcrypt(password_hash: str, password: str) -> bool:
    # Whoever made the hash looked at this much and no more, silently; the package now refuses.
    seen = password.encode()[:BCRYPT_BYTES]
    try:
        return bcrypt.checkpw(seen, password_hash.encode())
    except ValueError:  # it only looks like a hash
        return False


@cache
def _stand_in() -> str:
    return _hasher.hash("nobody has this password")


@cache
def _slots(at_once: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(at_once)


@contextmanager
def _slot(at_once: int) -> Iterator[None]:
    slots = _slots(at_once)
    if not slots.acquire(timeout=SLOT_TIMEOUT_SECONDS):
        raise UpstreamUnavailable("Many people are signing in. Try again.", retry_after_seconds=2)
    try:
        yield
    finally:
        slots.release()
