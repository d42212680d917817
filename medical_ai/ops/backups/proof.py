"""The proof that backups restore: the newest one, into a database of its own, to the last row."""

from dataclasses import dataclass

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.audit.sealing import seal_all
from medical_ai.audit.verification import verify
from medical_ai.core.database import Database
from medical_ai.ops.backups.errors import ProofFailed
from medical_ai.ops.backups.installation import Installation, Store
from medical_ai.ops.backups.manifest import count_rows
from medical_ai.ops.backups.restoring import count_unopened, fetch, load
from medical_ai.ops.schema import upgrade_schema

SCRATCH = "medical_ai_restore_check"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was restored and compared, and is gone again."""

    snapshot_id: str
    tables: int
    rows: int
    keys: int
    events: int


def check_restore(here: Installation) -> Proof:
    """Restore the newest backup into a scratch database and compare all of it.

    Every table's rows are counted and hashed, every key opened with the ring, the schema brought
    to the newest version, and the audit log verified. Raises BackupError.
    """
    with here.workplace.held():
        here.restic.unlock()
        store = here.store(name=SCRATCH, as_owner=True)
        store.create()
        try:
            fetched = fetch(here, at="latest", with_files=False)
            given = load(store, fetched)
            if unopened := count_unopened(here, fetched.keys):
                raise ProofFailed(f"The key ring does not open the keys of {unopened} records.")
            events = _verify_log(store)
        finally:
            store.drop()
    tables = fetched.manifest.tables
    return Proof(fetched.snapshot.id, len(tables), count_rows(tables.values()), given.given, events)


def _verify_log(store: Store) -> int:
    """Verify the restored log. What was not sealed at that moment is sealed here first."""
    database = Database(store.settings)
    try:
        upgrade_schema(database)
        seal_all(database, sweep=True)
        report = verify(database)
    except (SQLAlchemyError, CommandError) as error:
        raise ProofFailed(
            f"The restored tables cannot be used by this release: {type(error).__name__}."
        ) from None
    finally:
        database.dispose()
    if report.problem is not None:
        raise ProofFailed(f"The restored audit log does not verify: {report.problem}")
    return report.events
