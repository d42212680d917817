"""Replacing the first key of the ring: a new one, everything sealed anew, the old one gone."""

import base64
import secrets

from medical_ai.assistant import rekeying as assistant
from medical_ai.audit.signing import signing_keys
from medical_ai.auth.service import rekeying as auth
from medical_ai.core.config import AES_KEY_BYTES, Settings
from medical_ai.core.database import Database
from medical_ai.core.rekeying import Store, renew_all
from medical_ai.jobs.sealed import SealedPayloads
from medical_ai.ops.host.privileges import NotAllowed
from medical_ai.ops.host.secret_files import SecretFolder
from medical_ai.patients import rekeying as patients

STORES: tuple[Store, ...] = (
    *patients.STORES,
    *auth.STORES,
    *assistant.STORES,
    SealedPayloads(),
)
"""Everything that the ring seals, or that is derived from it. A test finds what is missing."""
RING, FORMER_PUBLIC = "encryption_keys", "audit_former_keys"
FORMER = "encryption-keys-former"


def add_key(folder: SecretFolder) -> bool:
    """Put a new key first. False where there is a former one still: nothing is changed then."""
    if has_former(folder):
        return False
    folder.write(RING, ",".join([new_key(), *_keys_in(folder)]))
    return True


def has_former(folder: SecretFolder) -> bool:
    """Tell whether there is a key that opens and does not seal."""
    return len(_keys_in(folder)) > 1


def reseal(settings: Settings) -> dict[str, int]:
    """Let everything depend on the first key; return how much was changed, by its name."""
    database = Database(settings)
    return {store.name: renew_all(database, store) for store in STORES}


def count_former(settings: Settings) -> dict[str, int]:
    """Return how much depends on a former key still, by its name."""
    database = Database(settings)
    with database.reading() as session:
        counts = {store.name: store.count_former(session) for store in STORES}
    return {name: count for name, count in counts.items() if count}


def drop_former(folder: SecretFolder, kept: SecretFolder, settings: Settings) -> int:
    """Take the former keys out of the ring; return how many.

    Their public halves stay, or what they signed of the log could not be verified; the keys
    themselves go where `kept` is, for backups of their time.
    """
    first, *former = _keys_in(folder)
    if not former:
        return 0
    # 1. Where they are kept. 2. What verifies. 3. The ring: each step can be done again.
    held = [one for one in kept.read(FORMER).split(",") if one]
    kept.write(FORMER, ",".join(dict.fromkeys([*held, *former])))
    public = dict.fromkeys([*settings.former_audit_keys, *_public_halves(former)])
    folder.write(FORMER_PUBLIC, ",".join(public))
    folder.write(RING, first)
    return len(former)


def new_key() -> str:
    """Return a random key as the ring spells it."""
    return base64.b64encode(secrets.token_bytes(AES_KEY_BYTES)).decode()


def _public_halves(keys: list[str]) -> list[str]:
    ring = tuple(base64.b64decode(key) for key in keys)
    return list(signing_keys(ring).public_keys().values())


def _keys_in(folder: SecretFolder) -> list[str]:
    keys = [one.strip() for one in folder.read(RING).split(",") if one.strip()]
    if not keys:
        raise NotAllowed(f"There is no {folder.path(RING)}: put the key ring there first.")
    return keys
