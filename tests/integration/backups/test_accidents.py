"""Backups that are cut off, killed or damaged: none is kept, none blocks the next, all are told."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text

from medical_ai.core.database import Database
from medical_ai.ops.backups.errors import BackupError, DumpFailed, TimedOut
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.processes import reading
from medical_ai.ops.backups.proof import check_restore
from medical_ai.ops.backups.sql_dump import DumpReader
from medical_ai.ops.backups.sqlite import SQLiteStore
from medical_ai.ops.models import BackupRun
from tests.support.backups import Site, list_databases, make_site
from tests.support.mariadb import MariaDBServer
from tests.support.people import Cast
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

ON_MARIADB = pytest.mark.parametrize("database_kind", ["mariadb"])
ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@contextmanager
def at_line(number: int, do: Callable[[], None]) -> Iterator[None]:
    """Let something happen while a dump is being read."""
    with pytest.MonkeyPatch.context() as patch:
        real, seen = DumpReader.take, [0]

        def take(self: DumpReader, line: bytes) -> bytes:
            seen[0] += 1
            if seen[0] == number:
                do()
            return real(self, line)

        patch.setattr(DumpReader, "take", take)
        yield


def assert_nothing_kept(site: Site) -> None:
    """Check that neither a snapshot nor a piece of a dump is left."""
    assert site.here.restic.list_snapshots() == []
    left = {path.name for path in site.here.workplace.folder.iterdir()}
    assert left <= {"lock", "cache"}


def kill_children() -> None:
    """Kill the programs that this process started last."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            if Path(f"/proc/{pid}/comm").read_text().strip() == "mariadb-dump":
                os.kill(int(pid), signal.SIGKILL)


@ON_MARIADB
def test_a_dump_that_is_killed_is_not_kept(site: Site, cast: Cast) -> None:
    with at_line(40, kill_children), pytest.raises(DumpFailed):
        make_backup(site.here)
    assert_nothing_kept(site)
    make_backup(site.here)


def test_a_database_that_dies_in_the_middle_leaves_nothing(
    repository: Path, tmp_path: Path
) -> None:
    with MariaDBServer() as server:
        site = make_site(repository, tmp_path, server)
        with at_line(40, server.kill), pytest.raises(DumpFailed, match=r"error 20\d\d"):
            make_backup(site.here)
        assert_nothing_kept(site)
        code, said = site.run("backup")
        assert (code, "could not be written" in said) == (1, True)
        server.start()
        assert site.run("backup")[0] == 0


def test_a_database_that_hangs_is_not_waited_for() -> None:
    command = ["sleep", "30"]
    with pytest.raises(TimedOut), reading(command, seconds=0.3, environment={}) as program:
        assert list(program.lines()) == []


def test_a_disk_that_is_full_leaves_nothing(site: Site, live: Database, cast: Cast) -> None:
    code, said = site.run("backup", wrap=("prlimit", "--fsize=40000", "--"))
    assert code == 1, said
    assert "Traceback" not in said
    assert_nothing_kept(site)


@ON_SQLITE
def test_a_backup_that_is_killed_does_not_block_the_next(site: Site, cast: Cast) -> None:
    command = [sys.executable, "-m", "medical_ai.ops.cli", "backup"]
    process = subprocess.Popen(command, cwd=ROOT, env=site.environment(), stdout=subprocess.DEVNULL)
    staged = site.here.workplace.data / "data.db"
    locks = site.repository / "locks"
    try:
        wait_until(
            lambda: staged.exists() and any(locks.iterdir()), seconds=60, what="restic has begun"
        )
    finally:
        process.kill()
        process.wait()
    assert staged.exists()
    code, said = site.run("backup")
    assert code == 0, said
    assert not staged.exists()
    assert not any(locks.iterdir())


@ON_SQLITE
def test_a_backup_that_is_told_to_stop_tidies_up(site: Site, cast: Cast) -> None:
    command = [sys.executable, "-m", "medical_ai.ops.cli", "backup"]
    process = subprocess.Popen(command, cwd=ROOT, env=site.environment(), stdout=subprocess.DEVNULL)
    staged = site.here.workplace.data / "data.db"
    wait_until(staged.exists, seconds=60, what="the dump is there")
    process.terminate()
    assert process.wait(timeout=30) == 1
    assert not staged.exists()


def test_the_proof_restores_all_of_it_and_leaves_nothing(
    request: pytest.FixtureRequest, site: Site, live: Database, cast: Cast
) -> None:
    assert site.run("backup")[0] == 0
    code, said = site.run("restore-check")
    assert code == 0, said
    assert "are as they were" in said
    if live.is_sqlite:
        assert list(site.settings.data_dir.glob("medical_ai_restore_check*")) == []
    else:
        assert "medical_ai_restore_check" not in list_databases(
            request.getfixturevalue("mariadb_server")
        )
    with live.reading() as session:
        runs = session.scalars(select(BackupRun).order_by(BackupRun.finished_at)).all()
    assert [(run.kind, run.is_good) for run in runs if run.snapshot] == [
        ("backup", True),
        ("restore-check", True),
    ]


def test_the_proof_holds_after_the_release_went_back(site: Site, cast: Cast) -> None:
    owner = Database(site.settings.as_owner())
    with owner.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
        connection.execute(text("CREATE TABLE of_a_later_release (id INT)"))
    owner.dispose()
    made = make_backup(site.here)
    assert check_restore(site.here).snapshot_id == made.snapshot_id


@ON_SQLITE
def test_a_damaged_repository_is_noticed_loudly(site: Site, live: Database, cast: Cast) -> None:
    make_backup(site.here)
    packs = sorted((site.repository / "data").rglob("*"), key=lambda path: path.stat().st_size)
    largest = next(path for path in reversed(packs) if path.is_file())
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.chmod(0o600)
    largest.write_bytes(content)
    code, said = site.run("restore-check")
    assert (code, "Traceback" in said) == (1, False), said
    assert site.run("backup", "verify", "--subset", "100%")[0] == 1
    with live.reading() as session:
        runs = session.scalars(select(BackupRun).where(BackupRun.kind == "restore-check")).all()
    assert [(run.is_good, run.error_type) for run in runs] == [(False, "ResticFailed")]


@ON_SQLITE
def test_a_row_that_changed_on_the_way_fails_the_proof(
    site: Site, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(site.here)
    real = SQLiteStore.load

    def load(self: SQLiteStore, folder: Path) -> None:
        real(self, folder)
        with sqlite3.connect(self._path) as connection:
            connection.execute("UPDATE users SET username = 'Mallory' WHERE username = 'Bob'")

    monkeypatch.setattr(SQLiteStore, "load", load)
    with pytest.raises(BackupError, match="Table users is not as it was backed up"):
        check_restore(site.here)


def test_a_program_that_is_missing_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="restic is not installed"):
        make_backup(site.open())
