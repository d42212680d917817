"""When backups and restore proofs ran, and whether that is good enough.

Rows are written with the application's own rights and hold no word of anybody's record.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.core.database import rows_changed
from medical_ai.ops.models import BackupRun

BACKUP, PROOF = "backup", "restore-check"
BACKUP_LATE_AFTER = timedelta(hours=36)
"""A day, and half of one for a night in which the machine was off."""
PROOF_LATE_AFTER = timedelta(days=9)
KEPT_FOR = timedelta(days=400)
PASS, WARN = "pass", "warn"


@dataclass(frozen=True, slots=True)
class LastRuns:
    """When the last good backup and the last good proof ended, and whether all is well.

    Where no backup was ever tried, none is expected: `is_expected` is false and both pass.
    `failed` holds the kinds whose newest run failed.
    """

    is_expected: bool
    backup_at: datetime | None
    proof_at: datetime | None
    backup: str
    restore_proof: str
    failed: frozenset[str] = frozenset()


def record_run(
    session: Session,
    *,
    kind: str,
    started_at: datetime,
    snapshot: str = "",
    bytes_added: int = 0,
    error: Exception | None = None,
) -> None:
    """Write how a run ended; of an error its type alone."""
    rows_changed(session, delete(BackupRun).where(BackupRun.finished_at < clock.now() - KEPT_FOR))
    session.add(
        BackupRun(
            kind=kind,
            started_at=started_at,
            is_good=error is None,
            snapshot=snapshot,
            bytes_added=bytes_added,
            error_type=type(error).__name__ if error else "",
        )
    )


def last_runs(session: Session) -> LastRuns:
    """Return what the last runs say; for `/health`, `medical-ai status` and metrics."""
    first = session.scalar(select(func.min(BackupRun.finished_at)))
    if first is None:
        return LastRuns(False, None, None, PASS, PASS)
    backup_at, backup_failed = _last(session, BACKUP)
    proof_at, proof_failed = _last(session, PROOF)
    now = clock.now()
    late = backup_at is None or now - backup_at > BACKUP_LATE_AFTER
    unproven = now - (proof_at or first) > PROOF_LATE_AFTER
    return LastRuns(
        True,
        backup_at,
        proof_at,
        WARN if late or backup_failed else PASS,
        WARN if unproven or proof_failed else PASS,
        frozenset(kind for kind, bad in ((BACKUP, backup_failed), (PROOF, proof_failed)) if bad),
    )


def _last(session: Session, kind: str) -> tuple[datetime | None, bool]:
    """Return when the last good run of a kind ended, and whether a later one failed."""
    good_at = session.scalar(
        select(func.max(BackupRun.finished_at)).where(
            BackupRun.kind == kind, BackupRun.is_good.is_(True)
        )
    )
    newest = session.scalar(
        select(BackupRun.is_good)
        .where(BackupRun.kind == kind)
        .order_by(BackupRun.finished_at.desc(), BackupRun.id.desc())
        .limit(1)
    )
    return good_at, newest is False
