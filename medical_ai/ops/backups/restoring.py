"""Restoring: the data of a moment, with the keys that are still to be had.

A record whose key was destroyed since stays closed whatever moment is restored, and the worker
repeats the deletion of its account. The keys come from the newest backup; the moment's own are
asked only for records that the newest knows nothing of.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Uuid, bindparam, column, func, inspect, literal, select, table, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import LargeBinary

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core import clock
from medical_ai.core.crypto import DecryptionFailed, KeyRing, place
from medical_ai.core.database import Database, UTCDateTime, create_schema_engine
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import LoadFailed, NothingThere, Refused
from medical_ai.ops.backups.installation import Installation, Store
from medical_ai.ops.backups.manifest import Keys, Manifest
from medical_ai.ops.backups.precautions import refuse_while_running, refuse_without_room
from medical_ai.ops.backups.restic import Snapshot, get_snapshot
from medical_ai.ops.backups.workplace import DATA, FOLDER, RESTORED_SETTINGS, SETTINGS
from medical_ai.ops.schema import fits_release

OWN_ROWS = {
    "alembic_version", "permissions", "role_permissions", "hospitals", "worker_heartbeats", "jobs",
    "throttle_windows", "backup_runs",
}  # fmt: skip
"""Tables that a new installation fills by itself: their rows keep nobody from restoring."""
PATIENTS = table("patients", column("id", Uuid()), column("data_key_sealed", LargeBinary()))
USERS = table(
    "users",
    column("id", Uuid()),
    column("deletion_asked_at", UTCDateTime()),
    column("deletion_due_at", UTCDateTime()),
    column("deleted_at", UTCDateTime()),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A backup on this disk: the folder of the dump, that of other files, and what fits to it."""

    snapshot: Snapshot
    manifest: Manifest
    keys: Keys
    dump: Path
    files: Path
    settings: Path


@dataclass(frozen=True, slots=True)
class KeysGiven:
    """How many records got their key, how many have none, how many deletions will be repeated."""

    given: int
    closed: int
    to_delete: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    keys: KeysGiven
    unopened: int
    files: int
    settings: Path | None


def restore(
    here: Installation,
    *,
    at: str = "latest",
    into: str | None = None,
    replace: bool = False,
    with_settings: bool = False,
) -> Restored:
    """Restore a backup and make sure that it is what was backed up. Raises BackupError.

    Without `into` the installation's own database and files are restored. A database with rows
    is left alone unless `replace` says otherwise, and so is one that web or worker are using.
    """
    if into is None:
        refuse_while_running()
    with here.workplace.held():
        store = here.store(name=into, as_owner=True)
        here.restic.unlock()
        store.create()
        _refuse_to_overwrite(store, replace=replace)
        fetched = fetch(here, at=at, with_files=into is None)
        given = load(store, fetched)
        files = _restore_files(here, fetched) if into is None else 0
        if into is None and fits_release(fetched.manifest.schema_version):
            _record(store, fetched.manifest)
        return Restored(
            manifest=fetched.manifest,
            keys=given,
            unopened=count_unopened(here, fetched.keys),
            files=files,
            settings=_restore_settings(here, fetched) if with_settings else None,
        )


def fetch(here: Installation, *, at: str, with_files: bool) -> Fetched:
    """Bring a backup and the keys that go with it into the work folder."""
    snapshots = here.restic.list_snapshots()
    data = get_snapshot(snapshots, at)
    keys = [one for one in snapshots if one.kind == restic.KEYS]
    if not keys:
        raise NothingThere("The repository holds no keys: without them no record can be read.")
    newest, own = keys[-1], [one for one in keys if one.backup_id == data.backup_id]
    target = here.workplace.restored
    inside = data.path / FOLDER / DATA
    root = here.restic.fetch(data, target / "data", only=None if with_files else inside)
    newest_folder = here.restic.fetch(newest, target / "newest")
    own_keys = Keys.read(here.restic.fetch(own[-1], target / "own")) if own else Keys()
    dump = root / FOLDER / DATA
    manifest = Manifest.read(dump)
    fits = own_keys.after(Keys.read(newest_folder))
    return Fetched(data, manifest, fits, dump, root, newest_folder / SETTINGS)


def load(store: Store, fetched: Fetched) -> KeysGiven:
    """Load a backup into a database, compare every table, and give the records their keys."""
    if store.kind != fetched.manifest.kind:
        raise LoadFailed(f"This is a backup of {fetched.manifest.kind}, not of {store.kind}.")
    refuse_without_room(store, fetched.dump)
    store.clear()
    store.load(fetched.dump)
    fetched.manifest.compare(store.read().tables)
    database = Database(store.settings)
    try:
        return _give_keys(database, fetched.keys)
    except SQLAlchemyError as error:
        raise LoadFailed(f"The keys could not be written: {type(error).__name__}.") from None
    finally:
        database.dispose()


def count_unopened(here: Installation, keys: Keys) -> int:
    """Return how many records' keys the key ring of this installation does not open."""
    ring, unopened = KeyRing(here.settings.ring_keys), 0
    for one, sealed in keys.patients.items():
        if sealed is not None:
            try:
                ring.open(sealed, place("patients", "data_key_sealed", UUID(one)))
            except DecryptionFailed:
                unopened += 1
    return unopened


def _give_keys(database: Database, keys: Keys) -> KeysGiven:
    engine = create_schema_engine(database).execution_options(begin_immediate=True)
    with engine.begin() as connection:
        there = set(connection.scalars(select(PATIENTS.c.id)))
        rows = [
            {"one": UUID(one), "key": sealed}
            for one, sealed in keys.patients.items()
            if sealed is not None and UUID(one) in there
        ]
        give = update(PATIENTS).where(PATIENTS.c.id == bindparam("one"))
        if rows:
            connection.execute(give.values(data_key_sealed=bindparam("key")), rows)
        names = {one["name"] for one in inspect(connection).get_columns("users")}
        to_delete = 0
        if {"deletion_asked_at", "deletion_due_at", "deleted_at"} <= names:
            now = clock.now()
            again = update(USERS).where(
                USERS.c.id == bindparam("one"), USERS.c.deleted_at.is_(None)
            )
            again = again.values(
                deletion_asked_at=func.coalesce(
                    USERS.c.deletion_asked_at, literal(now, UTCDateTime())
                ),
                deletion_due_at=now,
            )
            for one in sorted(keys.deleted):
                to_delete += connection.execute(again, {"one": UUID(one)}).rowcount
    return KeysGiven(len(rows), len(there) - len(rows), to_delete)


def _refuse_to_overwrite(store: Store, *, replace: bool) -> None:
    held = {name for name, rows in store.list_rows().items() if rows} - OWN_ROWS
    if held and not replace:
        raise Refused(
            f"{store.name} holds rows in {len(held)} tables. To destroy them and put the backup in"
            " their place, say --replace."
        )


def _record(store: Store, manifest: Manifest) -> None:
    """Write into the restored log that it was restored, and from when."""
    database = Database(store.settings)
    details = {"backup_id": manifest.backup_id, "made_at": manifest.made_at.isoformat()}
    try:
        with database.unit_of_work() as session:
            audit.record(session, tag=AuditTag.BACKUP_RESTORED, details=details)
    finally:
        database.dispose()


def _restore_files(here: Installation, fetched: Fetched) -> int:
    """Put back the other files of DATA_DIR that are missing; what is there stays."""
    count = 0
    for path in sorted(fetched.files.rglob("*")):
        inside = path.relative_to(fetched.files)
        target = here.workplace.data_dir / inside
        if inside.parts[0] == FOLDER or not path.is_file() or path.is_symlink():
            continue
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(path, target)
            count += 1
    return count


def _restore_settings(here: Installation, fetched: Fetched) -> Path:
    # Emptied and never removed: web and worker are shut out of the folder that is there now.
    target = here.workplace.data_dir / RESTORED_SETTINGS
    target.mkdir(mode=0o700, exist_ok=True)
    for one in target.iterdir():
        shutil.rmtree(one) if one.is_dir() and not one.is_symlink() else one.unlink()
    if fetched.settings.exists():
        shutil.copytree(fetched.settings, target, dirs_exist_ok=True)
        target.chmod(0o700)
    return target
