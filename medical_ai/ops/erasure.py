"""Deleting accounts whose time for second thoughts is over: every package's part, in one go.

An account is erased in one transaction, keys first. A process that dies half-way leaves the account
as it was, and the next round begins anew.
"""

from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from medical_ai.assistant import conversations
from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth import service as auth
from medical_ai.core.logging import get_logger
from medical_ai.jobs import service as jobs
from medical_ai.medications import service as medications
from medical_ai.notifications import mails
from medical_ai.notifications import service as notifications
from medical_ai.patients import erasure as records


def erase_due_accounts(session: Session) -> int:
    """Erase every account that is due; return how many. One that fails is left for later."""
    return sum(_try_to_erase(session, user_id) for user_id in auth.list_due_deletions(session))


def _try_to_erase(session: Session, user_id: UUID) -> bool:
    try:
        with session.begin_nested():
            return _erase(session, user_id)
    except (OperationalError, PoolTimeout):
        raise
    except Exception as error:  # one account must not keep the others from being deleted
        get_logger().error("account.not-erased", exc_info=error, subject_id=user_id)
        return False


def _erase(session: Session, user_id: UUID) -> bool:
    erased = records.erase_records_of(session, user_id=user_id)
    patient_ids = [one.patient_id for one in erased]
    medicines = sum(medications.erase_record(session, patient_id=one) for one in patient_ids)
    talks = conversations.erase_conversations(session, user_id=user_id, patient_ids=patient_ids)
    notices = notifications.erase_notices(session, user_id=user_id)
    destroyed = {
        "key_fingerprints": [one.fingerprint for one in erased if one.fingerprint],
        "medicines": medicines,
        "conversations": talks,
        "notices": notices,
    }
    receipt = auth.erase_account(session, user_id=user_id, destroyed=destroyed)
    if receipt is None:
        raise RuntimeError("the account is not to be deleted any more")  # and so nothing of it is
    _record(session, user_id, None, receipt.id)
    for patient_id in patient_ids:
        _record(session, user_id, patient_id, receipt.id)
    if receipt.email is not None:
        jobs.enqueue(
            session,
            kind=mails.SEND_RECEIPT,
            payload={"receipt_id": str(receipt.id)},
            idempotency_key=f"receipt.{receipt.id}",
        )
    return True


def _record(session: Session, user_id: UUID, patient_id: UUID | None, receipt_id: UUID) -> None:
    audit.record(
        session,
        tag=AuditTag.ACCOUNT_DELETED if patient_id is None else AuditTag.RECORD_DESTROYED,
        user_id=user_id,
        patient_id=patient_id,
        subject=("deletion_receipt", receipt_id),
    )
