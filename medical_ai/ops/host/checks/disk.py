"""Room on the disks that fill up: bytes and inodes."""

import os
from pathlib import Path

from medical_ai.ops.host.checks.registry import Host
from medical_ai.ops.host.findings import Finding, Level, fail, grade, ok, together

WARN_AT, FAIL_AT = 80, 95


def check_disk(host: Host) -> Finding:
    """Tell how full the disks of data, logs and backups are."""
    if not host.data.is_dir():
        return fail(f"there is no {host.data}", "sudo deploy/install.sh")
    folders = [host.data, host.layout.logs, host.layout.backups]
    used = {str(one): percent_used(one) for one in folders if one.is_dir()}
    findings = [grade_usage(folder, *shares) for folder, shares in used.items()]
    fullest = max(share for shares in used.values() for share in shares)
    return together(findings, good=f"the fullest is {fullest} % full")


def percent_used(folder: Path) -> tuple[int, int]:
    """Return how much of a folder's file system is in use: of its bytes, and of its inodes."""
    stat = os.statvfs(folder)
    # As df does: what is kept for root is not ours.
    ours = stat.f_blocks - stat.f_bfree + stat.f_bavail
    of_bytes = 100 - 100 * stat.f_bavail // ours if ours else 0
    of_inodes = 100 - 100 * stat.f_favail // stat.f_files if stat.f_files else 0
    return of_bytes, of_inodes


def grade_usage(folder: str, of_bytes: int, of_inodes: int) -> Finding:
    """Return how bad it is."""
    fullest, what = max((of_bytes, "bytes"), (of_inodes, "inodes"))
    if fullest < WARN_AT:
        return ok("")
    return grade(
        Level.FAIL if fullest >= FAIL_AT else Level.WARN,
        f"{folder} is {fullest} % full ({what})",
        f"journalctl --vacuum-size=500M; du -xsh {folder}/* | sort -h | tail; see docs/runbooks",
    )
