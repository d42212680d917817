"""What a job must know and the outbox must not show: sealed with the key ring."""

import base64
import json
from uuid import UUID

from sqlalchemy import Text, cast, select, update
from sqlalchemy.orm import Session

from medical_ai.core.crypto import DecryptionFailed, envelope_key, place
from medical_ai.core.database import Database, database_of, in_batches, rows_changed
from medical_ai.core.ids import new_id
from medical_ai.core.rekeying import BATCH, Batch
from medical_ai.jobs.models import Job


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


class SealedPayloads:
    """Payloads that hold something sealed, for when the key ring is renewed."""

    name = "jobs"

    def count_former(self, session: Session) -> int:
        """Return how many payloads are sealed with a former key, those of done jobs too."""
        active = database_of(session).keyring.active_id
        jobs = in_batches(session, select(Job).where(_HAS_SEAL), Job.id)
        return sum(_key_of(job) != active for job in jobs)

    def renew_batch(self, session: Session, after: UUID | None) -> Batch:
        """Seal some payloads anew. What cannot be opened stays, and is counted as left."""
        query = select(Job).where(_HAS_SEAL).order_by(Job.id).limit(BATCH)
        if after is not None:
            query = query.where(Job.id > after)
        jobs = session.scalars(query).all()
        changed = sum(_seal_anew(session, job) for job in jobs)
        return Batch(changed, jobs[-1].id if len(jobs) == BATCH else None)


_HAS_SEAL = cast(Job.payload, Text).like('%"seal_id"%')


def _key_of(job: Job) -> bytes:
    return envelope_key(base64.b64decode(job.payload["sealed"]))


def _seal_anew(session: Session, job: Job) -> int:
    database = database_of(session)
    if _key_of(job) == database.keyring.active_id:
        return 0
    try:
        values = open_values(database, job.payload)
    except DecryptionFailed:
        return 0
    renewed = job.payload | seal_values(database, **values)
    # 0 where it was done and forgotten meanwhile.
    return rows_changed(session, update(Job).where(Job.id == job.id).values(payload=renewed))


def _place(seal_id: UUID) -> bytes:
    return place("jobs", "payload", seal_id)
