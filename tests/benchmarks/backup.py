"""How long a backup, a restore and the proof take: `make bench-backup`.

`ROWS=1000000` gives the full figure. Nine rows of ten are events of the audit log, the tenth is
split between records with a key each and their sealed details, which nothing compresses. The log
is sealed, as it is but for its last seconds, so that there are nearly as many seals besides.
`KINDS=sqlite` or `KINDS=mariadb` measures one of them.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from medical_ai.audit.sealing import seal_all
from medical_ai.core import clock
from medical_ai.core.crypto import new_data_key, place
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.proof import check_restore
from medical_ai.ops.backups.restoring import restore
from medical_ai.patients.models import Patient, PatientDetails
from medical_ai.tenancy import service as tenancy
from tests.benchmarks.audit import AT_ONCE, fill
from tests.support.backups import Site, make_repository, make_site
from tests.support.mariadb import MariaDBServer

ROWS = int(os.environ.get("ROWS", "50000"))
KINDS = os.environ.get("KINDS", "sqlite mariadb").split()
DETAILS_BYTES = 400
MIB = 1024 * 1024


def main() -> int:
    """Measure both databases and print the figures."""
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="bench-backup-") as name:
            folder = Path(name)
            for part in ("made", "site"):
                (folder / part).mkdir()
            made = make_repository(folder / "made")
            if kind == "sqlite":
                measure(kind, make_site(made, folder / "site", None))
            else:
                with MariaDBServer() as server:
                    measure(kind, make_site(made, folder / "site", server))
    return 0


def measure(kind: str, site: Site) -> None:
    """Back up twice, restore into the same place, prove it, and print how long each took."""
    database = Database(site.settings)
    fill(database, ROWS * 9 // 10)
    seal_all(database)
    add_records(database, ROWS // 20)
    first = make_backup(site.here)
    with database.unit_of_work() as session:
        tenancy.ensure_hospital(session, slug="later", name="Later", country="DE")
    database.dispose()
    second = make_backup(site.here)
    stored = sum(path.stat().st_size for path in site.repository.rglob("*") if path.is_file())
    print(
        f"{kind:8} {first.rows} rows: dump {first.dump_seconds:.1f} s,"
        f" restic {first.restic_seconds:.1f} s, {first.bytes_added / MIB:.1f} MiB"
    )
    print(
        f"{kind:8} again, with one row more: dump {second.dump_seconds:.1f} s,"
        f" restic {second.restic_seconds:.1f} s, {second.bytes_added / MIB:.1f} MiB;"
        f" the repository has {stored / MIB:.1f} MiB"
    )
    restored = seconds(lambda: restore(site.here, replace=True))
    proven = seconds(lambda: check_restore(site.here))
    print(f"{kind:8} restore {restored:.1f} s, proof {proven:.1f} s")


def seconds(work: Callable[[], Any]) -> float:
    """Return how long something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def add_records(database: Database, count: int) -> None:
    """Write records, each with its key and sealed details."""
    with database.unit_of_work() as session:
        home = tenancy.ensure_hospital(session, slug="bench", name="Bench", country="DE").id
    for start in range(0, count, AT_ONCE):
        people, details = [], []
        for number in range(start, min(start + AT_ONCE, count)):
            one = new_id()
            where = place("patients", "data_key_sealed", one)
            people.append(
                {
                    "id": one,
                    "hospital_id": home,
                    "code": f"B{number:08}",
                    "data_key_sealed": database.keyring.seal(new_data_key(), where),
                    "created_at": clock.now(),
                }
            )
            sealed = secrets.token_bytes(DETAILS_BYTES)
            details.append({"patient_id": one, "hospital_id": home, "details_sealed": sealed})
        with database.unit_of_work() as session:
            session.execute(insert(Patient), people)
            session.execute(insert(PatientDetails), details)


if __name__ == "__main__":
    sys.exit(main())
