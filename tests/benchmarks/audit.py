"""How fast events are sealed and verified, on SQLite and on MariaDB: `make bench-audit`.

Sealing must keep up with 500 events a second, and a million events must be verified in a minute,
on two cores. `EVENTS=1000000` gives the full figure; the usual run is a twentieth of that, where
starting the processes weighs too much for the second mark to hold anybody to it.
`KINDS=sqlite` or `KINDS=mariadb` measures one of them.

Rates are by the wall clock. Beside them stands the CPU time of our own processes, which tells on a
busy machine what the wall clock does not; a database server's own is not in it.
"""

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.sealing import seal_all
from medical_ai.audit.verification import verify
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.ops.schema import upgrade_schema
from tests.support.mariadb import MariaDBServer
from tests.support.stores import mariadb_settings, sqlite_settings

EVENTS = int(os.environ.get("EVENTS", "50000"))
KINDS = os.environ.get("KINDS", "sqlite mariadb").split()
SEALED_PER_SECOND = 500
MILLION = 1_000_000
VERIFIED_PER_SECOND = MILLION / 60
AT_ONCE = 5000


def main() -> int:
    """Measure both databases, print the figures, and return 1 where one misses its mark."""
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as folder:
        if "sqlite" in KINDS:
            outcomes.append(measure("SQLite", Database(sqlite_settings(Path(folder)))))
        if "mariadb" in KINDS:
            with MariaDBServer() as server:
                outcomes.append(measure("MariaDB", Database(mariadb_settings(server, "bench"))))
    return 0 if all(outcomes) else 1


def measure(name: str, database: Database) -> bool:
    """Fill a database, seal it, verify it, and tell whether both were fast enough."""
    upgrade_schema(database)
    fill(database, EVENTS)
    began = time.monotonic()
    sealed = seal_all(database)
    seal_seconds = time.monotonic() - began
    used = cpu_seconds()
    report = verify(database, processes=2)
    used = cpu_seconds() - used
    database.dispose()
    sealing, verifying = sealed / seal_seconds, report.events / report.seconds
    print(
        f"{name:8} sealed {sealed} events in {seal_seconds:.1f} s:"
        f" {sealing:.0f} a second, at least {SEALED_PER_SECOND}"
    )
    print(
        f"{name:8} verified {report.events} in {report.blocks} blocks in {report.seconds:.1f} s:"
        f" {verifying:.0f} a second, at least {VERIFIED_PER_SECOND:.0f};"
        f" {used:.1f} s of CPU over two processes"
    )
    is_sound = report.problem is None and sealed == report.events == EVENTS
    is_fast = verifying >= VERIFIED_PER_SECOND or EVENTS < MILLION
    return is_sound and sealing >= SEALED_PER_SECOND and is_fast


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def fill(database: Database, events: int) -> None:
    """Write the events."""
    people = [new_id() for _ in range(100)]
    for start in range(0, events, AT_ONCE):
        rows = [
            {
                "id": new_id(),
                "at": clock.now(),
                "tag": "patient:record:viewed",
                "hospital_id": people[0],
                "actor_user_id": people[number % 100],
                "actor_role": "doctor",
                "via": "api",
                "address": "192.0.2.7",
                "basis": "care-team",
                "patient_id": people[number % 97],
                "subject_kind": "patient",
                "subject_id": people[number % 97],
                "request_id": people[number % 89].hex,
                "details": {"resource": "medication"},
            }
            for number in range(start, min(start + AT_ONCE, events))
        ]
        with database.unit_of_work() as session:
            session.execute(insert(AuditEvent), rows)


if __name__ == "__main__":
    sys.exit(main())
