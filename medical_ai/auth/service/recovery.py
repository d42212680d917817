"""Recovery codes: ten at a time, shown once, each used once."""

from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from medical_ai.auth import otp
from medical_ai.auth.models import RecoveryCode
from medical_ai.core import clock
from medical_ai.core.database import rows_changed


def make_codes(session: Session, user_id: UUID) -> list[str]:
    """Give an account new recovery codes; the earlier ones are worth nothing from now."""
    delete_codes(session, user_id)
    codes = otp.new_recovery_codes()
    session.add_all(
        RecoveryCode(user_id=user_id, code_hash=otp.recovery_hash(user_id, code)) for code in codes
    )
    session.flush()
    return codes


def accept_code(session: Session, user_id: UUID, code: str) -> bool:
    """Tell whether a recovery code fits, and use it up."""
    unused = update(RecoveryCode).where(
        RecoveryCode.user_id == user_id,
        RecoveryCode.code_hash == otp.recovery_hash(user_id, code),
        RecoveryCode.used_at.is_(None),
    )
    return rows_changed(session, unused.values(used_at=clock.now())) == 1


def count_codes(session: Session, user_id: UUID) -> int:
    """Return how many recovery codes are left."""
    left = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(left) or 0


def delete_codes(session: Session, user_id: UUID) -> None:
    """Forget the recovery codes of an account."""
    rows_changed(session, delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
