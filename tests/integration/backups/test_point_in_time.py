"""Back to a moment between two backups, by the commands of docs/backups.md."""

import subprocess
import time
from pathlib import Path

from sqlalchemy import select

from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.restoring import restore
from medical_ai.patients.models import Patient
from tests.support.backups import make_site
from tests.support.mariadb import MariaDBServer
from tests.support.people import create_cast, create_patient_account, record_of

BINLOG = ("--log-bin=mariadb-bin", "--binlog-format=ROW", "--server-id=1")


def test_changes_are_replayed_up_to_a_moment(repository: Path, tmp_path: Path) -> None:
    with MariaDBServer(*BINLOG) as server:
        site = make_site(repository, tmp_path, server)
        live = Database(site.settings)
        create_cast(live)
        make_backup(site.here)
        with live.unit_of_work() as session:
            early = record_of(session, create_patient_account(session, "early")).id
        time.sleep(2)
        moment = clock.now()
        time.sleep(2)
        with live.unit_of_work() as session:
            late = record_of(session, create_patient_account(session, "late")).id
        live.dispose()
        file, position = restore(site.here, replace=True).manifest.binlog.split()
        replay = (
            f"mariadb-binlog --start-position={position} --stop-datetime='{moment:%F %T}'"
            f" --disable-log-bin --database={site.here.store().name}"
            f" {server.folder / 'data' / file}"
            f" | mariadb --socket={server.socket} --user=root {site.here.store().name}"
        )
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", replay],
            env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with live.reading() as session:
            found = set(session.scalars(select(Patient.id).where(Patient.data_key_sealed != b"")))
        assert early in found
        assert late not in found
        live.dispose()
