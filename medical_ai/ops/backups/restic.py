"""restic as we use it: one repository, our tags, and its errors as sentences.

Nothing of what restic says is shown as it stands: a repository's address can hold a password.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medical_ai.ops.backups.errors import (
    BackupError,
    DiskFailed,
    NothingThere,
    RepositoryAway,
    ResticFailed,
    WrongPassword,
)
from medical_ai.ops.backups.options import BackupOptions
from medical_ai.ops.backups.processes import Ended, run

HOST = "medical-ai"
"""The same on every machine, so that moving does not begin a new history."""
DATA, KEYS = "data", "keys"
MOMENT = "%Y-%m-%d %H:%M:%S"
UNREADABLE_FILES = 3
ALL_WITHIN = "2d"
"""One made by hand, before an upgrade, outlives the night."""
LOCKED, LOCK_TRIES = "already locked", 10
CAUSES: tuple[tuple[str, type[BackupError], str], ...] = (
    ("wrong password", WrongPassword, "The backup password does not open the repository."),
    ("no space left", DiskFailed, "The disk of the backup repository is full."),
    ("disk quota exceeded", DiskFailed, "The disk of the backup repository is full."),
    ("file too large", DiskFailed, "The disk of the backup repository takes no file that large."),
    (
        "unable to open config file",
        RepositoryAway,
        "There is no backup repository in the place that RESTIC_REPOSITORY names: bring it back,"
        " or make a new one with `medical-ai backup init`.",
    ),
    (
        LOCKED,
        ResticFailed,
        "Somebody else works on the backup repository: try again when they are done.",
    ),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot: of the data or of the keys, and which backup it belongs to."""

    id: str
    made_at: datetime
    kind: str
    backup_id: str
    path: Path


@dataclass(frozen=True, slots=True)
class Added:
    """What a run of `restic backup` did: the snapshot, and bytes that are new in the repository."""

    snapshot_id: str
    bytes_added: int


class Restic:
    """One repository."""

    def __init__(self, options: BackupOptions, *, cache: Path) -> None:
        self._options, self._cache = options, cache

    def exists(self) -> bool:
        """Tell whether there is a repository that our password opens."""
        try:
            self._call("cat", "config", "--no-lock")
        except RepositoryAway:
            return False
        return True

    def create(self) -> None:
        """Make the repository."""
        self._call("init")

    def unlock(self) -> None:
        """Remove locks of processes that are gone: a killed backup never blocks the next."""
        self._call("unlock")

    def back_up(
        self, path: Path, *, kind: str, backup_id: str, at: datetime, exclude: Sequence[Path]
    ) -> Added:
        """Add a snapshot of a folder. One that misses a file is not kept."""
        without = [f"--exclude={_literal(one)}" for one in exclude]
        ended = self._run(
            "backup", "--json", "--host", HOST, "--tag", f"{kind},{backup_id}",
            "--time", at.astimezone(UTC).strftime(MOMENT), *without, str(path),
        )  # fmt: skip
        summary = _summary_of(ended.output)
        if ended.code == UNREADABLE_FILES and summary:
            self.forget([summary["snapshot_id"]])
            raise ResticFailed(
                "A file in DATA_DIR cannot be read, so that this backup was dropped."
            )
        _check(ended)
        return Added(str(summary["snapshot_id"]), int(summary["data_added"]))

    def list_snapshots(self) -> list[Snapshot]:
        """Return our snapshots, the oldest first."""
        found = json.loads(self._call("snapshots", "--json", "--no-lock", "--host", HOST))
        ours = [one for one in map(_snapshot_of, found or []) if one is not None]
        return sorted(ours, key=lambda one: one.made_at)

    def forget(self, snapshots: Sequence[str]) -> None:
        """Forget snapshots by their ids; what only they held goes with the next `prune`."""
        if snapshots:
            self._call("forget", *snapshots)

    def forget_data(self) -> None:
        """Forget data by retention: so many days, weeks and months, and nothing of these days."""
        options = self._options
        self._call(
            "forget", "--host", HOST, "--tag", DATA, "--group-by", "host",
            "--keep-within", ALL_WITHIN,
            "--keep-daily", str(options.backup_keep_daily),
            "--keep-weekly", str(options.backup_keep_weekly),
            "--keep-monthly", str(options.backup_keep_monthly),
        )  # fmt: skip

    def prune(self) -> None:
        """Remove what no snapshot holds, to the last byte: a forgotten key must not linger."""
        self._call("prune", "--max-unused", "0")

    def fetch(self, snapshot: Snapshot, target: Path, *, only: Path | None = None) -> Path:
        """Restore a snapshot below a folder, and return where its own folder is then."""
        inside = ["--include", _literal(only)] if only else []
        self._call("restore", snapshot.id, "--target", str(target), *inside)
        return target / snapshot.path.relative_to("/")

    def check(self, subset: str) -> None:
        """Check the repository's structure, and read a part of its data again."""
        self._call("check", "--read-data-subset", subset)

    def _call(self, *arguments: str) -> str:
        ended = self._run(*arguments)
        for _ in range(LOCK_TRIES):
            if LOCKED not in ended.errors.lower():
                break
            # Of a process that was killed and is still being buried, or of another machine.
            time.sleep(1)
            self._run("unlock")
            ended = self._run(*arguments)
        _check(ended)
        return ended.output

    def _run(self, *arguments: str) -> Ended:
        return run(
            ["restic", "--quiet", *arguments],
            seconds=self._options.timeout_seconds,
            environment={"RESTIC_CACHE_DIR": str(self._cache)} | self._options.environment(),
        )


def _check(ended: Ended) -> None:
    if ended.code == 0:
        return
    said = ended.errors.lower()
    for words, kind, sentence in CAUSES:
        if words in said:
            raise kind(sentence)
    raise ResticFailed(
        f"restic ended with {ended.code}: run the same by hand to see what it says"
        " (`medical-ai backup verify` tells whether the repository is damaged)."
    )


def _summary_of(output: str) -> dict[str, Any]:
    for line in reversed(output.splitlines()):
        if '"message_type":"summary"' in line:
            found: dict[str, Any] = json.loads(line)
            return found
    return {}


def _snapshot_of(found: dict[str, Any]) -> Snapshot | None:
    tags = found.get("tags") or []
    kinds = {DATA, KEYS} & set(tags)
    others = [one for one in tags if one not in {DATA, KEYS}]
    if len(kinds) != 1 or len(others) != 1:
        return None  # somebody else's
    moment = datetime.fromisoformat(found["time"][:19]).replace(tzinfo=UTC)
    path = Path(found["paths"][0])
    return Snapshot(found["short_id"], moment, kinds.pop(), others[0], path)


def _literal(path: Path) -> str:
    """Spell a path so that restic does not take it for a pattern."""
    return "".join(f"\\{one}" if one in "*?[\\" else one for one in str(path))


def get_snapshot(snapshots: Sequence[Snapshot], wanted: str) -> Snapshot:
    """Return the data snapshot with this id, or the latest. Raises NothingThere."""
    data = [one for one in snapshots if one.kind == DATA]
    fits = [one for one in data if wanted == "latest" or wanted in {one.id, one.backup_id}]
    if not fits:
        raise NothingThere("There is no such backup: `medical-ai backup list` shows what there is.")
    return fits[-1]
