"""The last backup, and the last proof that one restores, as the database remembers them."""

from datetime import datetime, timedelta

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops.backups.service import BACKUP, PASS, PROOF, LastRuns, last_runs
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, warn

UNITS = {BACKUP: "medical-ai-backup.service", PROOF: "medical-ai-restore-check.service"}


def check_backup(host: Host) -> Finding:
    """Tell when the last good backup was made, and whether that is good enough."""
    runs = _last_runs(host)
    return judge(runs.backup, runs.backup_at, kind=BACKUP, has_failed=BACKUP in runs.failed)


def check_restore_proof(host: Host) -> Finding:
    """Tell when a backup was last restored for proof, and whether that is good enough."""
    runs = _last_runs(host)
    return judge(runs.restore_proof, runs.proof_at, kind=PROOF, has_failed=PROOF in runs.failed)


def judge(state: str, at: datetime | None, *, kind: str, has_failed: bool) -> Finding:
    """Return what there is to say of the last good run; `state` is what `/health` says of it."""
    why, now = f"journalctl -u {UNITS[kind]} -n 50", f"systemctl start {UNITS[kind]}"
    words = f"the last was {_spell(at)}" if at else "there was none yet"
    if has_failed:
        good = f"the last good one was {_spell(at)}" if at else "there was no good one yet"
        return fail(f"the newest failed; {good}", f"{why}; mend what it says, then: {now}")
    if state != PASS:
        return fail(f"late; {words}", f"{now}; {why}; systemctl list-timers medical-ai-*")
    return ok(words) if at else warn(words, f"{now}; {why}")


def _spell(at: datetime) -> str:
    hours = (clock.now() - at) // timedelta(hours=1)
    return f"{at:%Y-%m-%d %H:%M} UTC, {hours} hours ago"


def _last_runs(host: Host) -> LastRuns:
    with Database(host.settings).reading() as session:
        return last_runs(session)
