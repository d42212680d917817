"""What of patients depends on the key ring: the key of each record, and the index of names.

An index holds HMACs, which say nothing of the key they were made with: it is compared with what
it would be under the first key, and written again where it differs.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core.crypto import DecryptionFailed
from medical_ai.core.database import in_batches
from medical_ai.core.rekeying import BATCH, Batch, SealedColumn
from medical_ai.patients import search
from medical_ai.patients.details import open_details
from medical_ai.patients.models import Patient, PatientDetails, PatientSearchTerm
from medical_ai.patients.schemas import Details
from medical_ai.patients.service import refer


class NameIndex:
    """The index by which patients are found."""

    name = "index of names"

    def count_former(self, session: Session) -> int:
        """Return how many patients are found by terms of a former key."""
        rows = in_batches(session, select(PatientDetails), PatientDetails.patient_id)
        return sum(self._is_former(session, row) for row in rows)

    def renew_batch(self, session: Session, after: UUID | None) -> Batch:
        """Index some patients anew. One whose record does not open stays as it is."""
        # Held, so that whoever writes a name at this moment comes before, or after.
        query = select(PatientDetails).order_by(PatientDetails.patient_id).limit(BATCH)
        if after is not None:
            query = query.where(PatientDetails.patient_id > after)
        rows = session.scalars(query.with_for_update()).all()
        changed = sum(self._renew(session, row) for row in rows)
        return Batch(changed, rows[-1].patient_id if len(rows) == BATCH else None)

    def _renew(self, session: Session, row: PatientDetails) -> int:
        details = _open(session, row)
        if details is None or not _differs(session, row, details):
            return 0
        search.replace_terms(
            session,
            patient_id=row.patient_id,
            hospital_id=row.hospital_id,
            name=details.name,
            birth_date=details.birth_date,
        )
        return 1

    def _is_former(self, session: Session, row: PatientDetails) -> bool:
        details = _open(session, row)
        return details is not None and _differs(session, row, details)


def _open(session: Session, row: PatientDetails) -> Details | None:
    patient = session.get_one(Patient, row.patient_id)
    if patient.data_key_sealed is None:
        return None
    try:
        return open_details(refer(session, patient).vault, row.patient_id, row)
    except DecryptionFailed:  # counted where the key of its record is
        return None


def _differs(session: Session, row: PatientDetails, details: Details) -> bool:
    stored: Sequence[str] = session.scalars(
        select(PatientSearchTerm.term).where(PatientSearchTerm.patient_id == row.patient_id)
    ).all()
    key = search.first_key(session, row.hospital_id)
    return set(stored) != search.terms_of(key, details.name, details.birth_date)


RECORD_KEYS = SealedColumn(
    "keys of records", Patient.id, Patient.data_key_sealed, ("patients", "data_key_sealed")
)
STORES = (RECORD_KEYS, NameIndex())
