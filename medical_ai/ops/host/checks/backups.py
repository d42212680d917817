"""The last backup, and the last proof that one restores, as systemd remembers their runs."""

from datetime import UTC, datetime, timedelta

from medical_ai.core import clock
from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, fail, ok, warn
from medical_ai.ops.host.programs import ProgramMissing, show_unit

BACKUP, PROOF = "medical-ai-backup.service", "medical-ai-restore-check.service"
BACKUP_OLD, PROOF_OLD = timedelta(hours=26), timedelta(days=8)
"""A day and a week, and what a timer may be late."""


def check_backup(_host: Host) -> Finding:
    """Tell when the last backup was made."""
    return _look(BACKUP, oldest=BACKUP_OLD, what="backup")


def check_restore_proof(_host: Host) -> Finding:
    """Tell when a backup was last restored for proof."""
    return _look(PROOF, oldest=PROOF_OLD, what="restore proof")


def _look(unit: str, *, oldest: timedelta, what: str) -> Finding:
    properties = ("LoadState", "Result", "ExecMainExitTimestampMonotonic", "ExecMainExitTimestamp")
    try:
        shown = show_unit(unit, *properties)
    except ProgramMissing:
        return warn("there is no systemd here", f"Run the {what} by another scheduler.")
    run_now = f"systemctl start {unit}; journalctl -u {unit} -n 50"
    if shown.get("LoadState") == "not-found":
        return fail(f"{unit} is not installed", "sudo deploy/install.sh")
    if shown.get("Result") != "success":
        return fail(f"the last {what} failed ({shown.get('Result')})", run_now)
    ended_at = parse_moment(shown.get("ExecMainExitTimestamp", ""))
    if ended_at is None:
        return warn(f"no {what} since this host was started", run_now)
    age = clock.now() - ended_at
    words = f"{ended_at:%Y-%m-%d %H:%M} UTC, {age // timedelta(hours=1)} hours ago"
    return fail(f"too old: {words}", run_now) if age > oldest else ok(words)


def parse_moment(spelled: str) -> datetime | None:
    """Return the moment that systemd spells, such as `Wed 2026-11-25 02:26:17 UTC`."""
    parts = spelled.split()
    if len(parts) != 4:  # noqa: PLR2004 - weekday, day, time, zone
        return None
    moment = datetime.fromisoformat(f"{parts[1]}T{parts[2]}")
    return moment.replace(tzinfo=UTC) if parts[3] == "UTC" else moment.astimezone(UTC)
