"""The keys that sign the chain, derived from the key ring: the database alone cannot sign.

The first key of the ring signs and each of them verifies, so a ring can be renewed as for records.
Of a key that left the ring the public half stays, which verifies what it signed and signs nothing.
A public key may be given to anybody.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from medical_ai.core.config import Settings

PURPOSE = b"audit chain signature, version 1"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and which key it is of."""

    key_id: str
    value: bytes


class SigningKeys:
    """The ring's signing keys: the first signs, every one of them verifies, former ones as well."""

    def __init__(self, ring_keys: tuple[bytes, ...], former: tuple[str, ...] = ()) -> None:
        keys = [_derive(key) for key in ring_keys]
        self._signer = keys[0]
        public = [Ed25519PublicKey.from_public_bytes(bytes.fromhex(one)) for one in former]
        public += [key.public_key() for key in keys]
        self._public = {_id_of(key): key for key in public}
        self.key_id = _id_of(self._signer.public_key())

    def sign(self, digest: bytes) -> Signature:
        """Sign a digest with the first key."""
        return Signature(self.key_id, self._signer.sign(digest))

    def fits(self, signature: Signature, digest: bytes) -> bool:
        """Tell whether a signature is of a key of the ring and of this digest."""
        key = self._public.get(signature.key_id)
        if key is None:
            return False
        try:
            key.verify(signature.value, digest)
        except InvalidSignature:
            return False
        return True

    def public_keys(self) -> dict[str, str]:
        """Return every public key in hex by its id."""
        return {key_id: key.public_bytes_raw().hex() for key_id, key in self._public.items()}


@lru_cache(maxsize=4)
def signing_keys(ring_keys: tuple[bytes, ...], former: tuple[str, ...] = ()) -> SigningKeys:
    """Return the signing keys of a ring, and the public ones of those that left it."""
    return SigningKeys(ring_keys, former)


def keys_of(settings: Settings) -> SigningKeys:
    """Return the signing keys of an installation."""
    return signing_keys(settings.ring_keys, settings.former_audit_keys)


def _derive(ring_key: bytes) -> Ed25519PrivateKey:
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(ring_key)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _id_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]
