"""What is looked at before a restore destroys anything."""

import shutil
import time
from pathlib import Path

from medical_ai.ops.backups.errors import Refused
from medical_ai.ops.backups.installation import Store
from medical_ai.ops.host.layout import SERVICES
from medical_ai.ops.host.programs import ProgramMissing, run

STOPPED = frozenset({"inactive", "failed", "unknown"})
STOPPING = "deactivating"
STOPPING_SECONDS = 90.0
"""Longer than TimeoutStopSec= of either unit."""
MEBIBYTE = 1_048_576


def refuse_while_running() -> None:
    """Refuse while systemd runs web or worker: they would write into what is being replaced.

    Where there is no systemd, whoever restores stopped them by other means.
    """
    latest = time.monotonic() + STOPPING_SECONDS
    while running := _find_running():
        # To stop the target waits for none of the two: what is on its way out is waited for here.
        if set(running.values()) != {STOPPING} or time.monotonic() > latest:
            raise Refused(
                f"{' and '.join(running)} would write into what is being replaced."
                " Run: systemctl stop medical-ai.target"
            )
        time.sleep(1)


def _find_running() -> dict[str, str]:
    try:
        said = run("systemctl", "is-active", *SERVICES).out.split("\n")
    except (ProgramMissing, TimeoutError):
        return {}
    states = dict(zip(SERVICES, said, strict=False))
    return {one: state for one, state in states.items() if state.isalpha() and state not in STOPPED}


def refuse_without_room(store: Store, dump: Path) -> None:
    """Refuse what the disk has no room for, while the database is still as it was.

    SQLite needs the file, and as much again while it is written. A server has its own disk.
    """
    if store.kind != "sqlite":
        return
    needed = 2 * (dump / store.file_name).stat().st_size
    free = shutil.disk_usage(store.live_files[0].parent).free
    if free < needed:
        raise Refused(
            f"The backup needs {needed // MEBIBYTE + 1} MiB on the disk of {store.name}, and"
            f" {free // MEBIBYTE} are free. Nothing was changed."
        )
