"""Making a backup: dump, check, two snapshots of one moment, retention.

The keys go first: data that no keys were kept beside would be data that nobody can read. Nothing
goes into the repository before the dump is known to be whole.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from medical_ai import __version__
from medical_ai.core import clock
from medical_ai.core.ids import new_id
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import Refused
from medical_ai.ops.backups.installation import Installation, Store
from medical_ai.ops.backups.manifest import Contents, Keys, Manifest, count_rows
from medical_ai.ops.backups.restoring import count_unopened
from medical_ai.ops.backups.workplace import RESTORED_SETTINGS, SETTINGS

FEWEST_RECORDS = 10
"""With fewer, half of them may well be deleted within a day."""
EMBEDDED = "*.db*"
"""Never taken as they lie there: a copy of an open file is worth nothing, and holds the keys."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and how long its parts took."""

    backup_id: str
    snapshot_id: str
    rows: int
    bytes_added: int
    dump_seconds: float
    restic_seconds: float


def make_backup(here: Installation, *, anyway: bool = False) -> Made:
    """Make one backup and let go of those whose time is over. Raises BackupError.

    Refuses a database that lost half of the keys that the last backup knew, unless `anyway`: were
    it the wrong one, the right one's keys would be forgotten in some days, and all data with them.
    So would the right key ring, were another one kept in its place: that is refused as well.
    """
    with here.workplace.held():
        here.restic.unlock()
        began = time.monotonic()
        store = here.store()
        manifest = _save(here, store)
        if not anyway:
            _refuse_a_strange_ring(here)
            _refuse_a_stranger(here)
        dumped = time.monotonic()
        added = _keep(here, store, manifest)
        forget_old(here)
    return Made(
        backup_id=manifest.backup_id,
        snapshot_id=added.snapshot_id,
        rows=count_rows(manifest.tables.values()),
        bytes_added=added.bytes_added,
        dump_seconds=dumped - began,
        restic_seconds=time.monotonic() - dumped,
    )


def forget_old(here: Installation) -> None:
    """Let go of keys and data whose time is over, and of every byte that only they held."""
    border = clock.now() - timedelta(days=here.options.backup_key_days)
    keys = [one for one in here.restic.list_snapshots() if one.kind == restic.KEYS]
    here.restic.forget([one.id for one in keys[:-1] if one.made_at < border])
    here.restic.forget_data()
    here.restic.prune()


def _save(here: Installation, store: Store) -> Manifest:
    made_at = clock.now()
    contents: Contents = store.save(here.workplace.data)
    manifest = Manifest(
        backup_id=new_id().hex,
        made_at=made_at,
        kind=store.kind,
        release=__version__,
        schema_version=contents.schema_version,
        binlog=contents.binlog,
        tables=contents.tables,
    )
    manifest.write(here.workplace.data)
    contents.keys.write(here.workplace.keys)
    for name, content in here.kept_files.items():
        path = here.workplace.keys / SETTINGS / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(content)
        path.chmod(0o600)
    return manifest


def _refuse_a_strange_ring(here: Installation) -> None:
    keys = Keys.read(here.workplace.keys)
    sealed = sum(1 for key in keys.patients.values() if key)
    unopened = count_unopened(here, keys)
    if unopened > sealed / 2:  # one damaged record must not end all backups
        raise Refused(
            f"The key ring does not open the keys of {unopened} records of {sealed}. Put the right"
            " one back, or say --anyway."
        )


def _refuse_a_stranger(here: Installation) -> None:
    known = [one for one in here.restic.list_snapshots() if one.kind == restic.KEYS]
    if not known:
        return
    last = Keys.read(here.restic.fetch(known[-1], here.workplace.restored))
    now = Keys.read(here.workplace.keys)
    living = [one for one, key in last.patients.items() if key]
    left = [one for one in living if now.patients.get(one)]
    if len(living) >= FEWEST_RECORDS and len(left) < len(living) / 2:
        raise Refused(
            f"Of {len(living)} records in the last backup {len(left)} are left. Is this the right"
            " database? If it is, say --anyway."
        )


def _keep(here: Installation, store: Store, manifest: Manifest) -> restic.Added:
    place = here.workplace
    add: Callable[..., restic.Added] = here.restic.back_up
    same = {"backup_id": manifest.backup_id, "at": manifest.made_at}
    keys = add(place.keys, kind=restic.KEYS, exclude=(), **same)
    data = add(place.data_dir, kind=restic.DATA, exclude=_left_out(here, store), **same)
    return restic.Added(data.snapshot_id, keys.bytes_added + data.bytes_added)


def _left_out(here: Installation, store: Store) -> list[Path]:
    place = here.workplace
    left_out = [*place.data_dir.glob(EMBEDDED), *store.live_files]
    left_out.append(place.data_dir / RESTORED_SETTINGS)
    left_out += [one for one in place.folder.iterdir() if one != place.data]
    repository = Path(here.options.restic_repository)
    return [*left_out, repository] if repository.is_absolute() else left_out
