"""The last backup, and the last proof that one restores, as the database remembers them."""

from datetime import datetime, timedelta

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops.backups.service import PASS, LastRuns, last_runs
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, warn

BACKUP, PROOF = "medical-ai-backup.service", "medical-ai-restore-check.service"


def check_backup(host: Host) -> Finding:
    """Tell when the last good backup was made, and whether that is good enough."""
    runs = _last_runs(host)
    return judge(runs.backup, runs.backup_at, unit=BACKUP)


def check_restore_proof(host: Host) -> Finding:
    """Tell when a backup was last restored for proof, and whether that is good enough."""
    runs = _last_runs(host)
    return judge(runs.restore_proof, runs.proof_at, unit=PROOF)


def judge(state: str, at: datetime | None, *, unit: str) -> Finding:
    """Return what there is to say of the last good run; `state` is what `/health` says of it."""
    run_now = f"systemctl start {unit}; journalctl -u {unit} -n 50"
    words = f"the last was {_spell(at)}" if at else "there was none yet"
    if state != PASS:
        return fail(f"late or failed; {words}", run_now)
    return ok(words) if at else warn(words, run_now)


def _spell(at: datetime) -> str:
    hours = (clock.now() - at) // timedelta(hours=1)
    return f"{at:%Y-%m-%d %H:%M} UTC, {hours} hours ago"


def _last_runs(host: Host) -> LastRuns:
    with Database(host.settings).reading() as session:
        return last_runs(session)
