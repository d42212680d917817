"""Authenticated encryption of what a patient's record says.

An envelope is `version‖key id‖nonce‖ciphertext`. The additional data names the place
(`table:column:row`), so that a ciphertext moved to another row, column or patient does not open.
Algorithm: AES-256-GCM with random 96-bit nonces (NIST SP 800-38D).
"""

import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
KEY_BYTES = 32


class DecryptionFailed(Exception):
    """The envelope is damaged, was moved, or its key is gone."""


def place(table: str, column: str, row: UUID) -> bytes:
    """Return the additional data that ties an envelope to one cell."""
    return f"{table}:{column}:{row}".encode()


def new_data_key() -> bytes:
    """Return a fresh random data key of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def envelope_key(envelope: bytes) -> bytes:
    """Return the id of the key that an envelope is sealed with."""
    return envelope[len(VERSION) : len(VERSION) + KEY_ID_BYTES]


class KeyRing:
    """One or more keys: the first seals, every one of them opens.

    A key is known by the first bytes of its SHA-256, so the ring needs no names and the order
    in the configuration can change freely.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {self._key_id(key): AESGCM(key) for key in keys}
        self._active_id = self._key_id(keys[0])

    @property
    def active_id(self) -> bytes:
        """How envelopes name the key that seals now; they do so in the bytes after the first."""
        return self._active_id

    @property
    def ids(self) -> frozenset[bytes]:
        """How envelopes name the keys that open."""
        return frozenset(self._ciphers)

    @staticmethod
    def _key_id(key: bytes) -> bytes:
        return hashlib.sha256(b"key id:" + key).digest()[:KEY_ID_BYTES]

    def seal(self, plaintext: bytes, where: bytes) -> bytes:
        """Encrypt for one place and return the envelope."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._active_id].encrypt(nonce, plaintext, VERSION + where)
        return VERSION + self._active_id + nonce + sealed

    def open(self, envelope: bytes, where: bytes) -> bytes:
        """Decrypt an envelope sealed for the same place. Raises DecryptionFailed."""
        body = len(VERSION) + KEY_ID_BYTES
        cipher = self._ciphers.get(envelope_key(envelope))
        if envelope[: len(VERSION)] != VERSION or cipher is None:
            raise DecryptionFailed("unknown envelope version or key")
        nonce, sealed = envelope[body : body + NONCE_BYTES], envelope[body + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, VERSION + where)
        except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
            raise DecryptionFailed("the envelope does not belong here or is damaged") from None

    def seal_text(self, text: str, table: str, column: str, row: UUID) -> bytes:
        """Encrypt text for one cell."""
        return self.seal(text.encode(), place(table, column, row))

    def open_text(self, envelope: bytes, table: str, column: str, row: UUID) -> str:
        """Decrypt text from one cell. Raises DecryptionFailed."""
        return self.open(envelope, place(table, column, row)).decode()
