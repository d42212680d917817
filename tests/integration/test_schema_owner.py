"""Tables are made by the database's owner; the application's own user has no right to."""

import subprocess
import sys

from medical_ai.core.database import Database
from medical_ai.ops.schema import head_revision
from tests.support.backups import make_database
from tests.support.mariadb import MariaDBServer
from tests.support.processes import ROOT
from tests.support.settings import environment_of, make_settings
from tests.support.stores import tables_of


def run_db_py(**urls: str) -> subprocess.CompletedProcess[str]:
    """Run `python3 db.py` with these settings."""
    return subprocess.run(
        [sys.executable, "db.py"],
        cwd=ROOT,
        env=environment_of(make_settings(**urls)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_db_py_makes_the_tables_as_their_owner(mariadb_server: MariaDBServer) -> None:
    user, owner = make_database(mariadb_server)
    refused = run_db_py(database_url=user)
    assert refused.returncode != 0
    assert "CREATE command denied" in refused.stderr
    done = run_db_py(database_url=user, migration_database_url=owner)
    assert done.returncode == 0, done.stderr
    assert f"at version {head_revision()}" in done.stdout
    database = Database(make_settings(database_url=user))
    assert len(tables_of(database)) > 20
    database.dispose()
