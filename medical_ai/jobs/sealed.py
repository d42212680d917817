"""What a job must know and the outbox must not show: sealed with the key ring."""

import base64
import json
from uuid import UUID

from medical_ai.core.crypto import place
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id


def seal_values(database: Database, **values: str) -> dict[str, str]:
    """Return a payload, or a part of one, from which `open_values` alone reads these values."""
    seal_id = new_id()
    sealed = database.keyring.seal(json.dumps(values).encode(), _place(seal_id))
    return {"seal_id": str(seal_id), "sealed": base64.b64encode(sealed).decode()}


def open_values(database: Database, payload: dict[str, str]) -> dict[str, str]:
    """Return what was sealed. Raises DecryptionFailed where its key is gone."""
    envelope = base64.b64decode(payload["sealed"])
    opened = database.keyring.open(envelope, _place(UUID(payload["seal_id"])))
    values: dict[str, str] = json.loads(opened)
    return values


def _place(seal_id: UUID) -> bytes:
    return place("jobs", "payload", seal_id)
