"""What goes into a backup comes out again, row by row, and nothing else is touched."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text

from medical_ai.core.database import Database
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import (
    AlreadyRunning,
    NothingThere,
    Refused,
    RepositoryAway,
    WrongPassword,
)
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.restoring import restore
from tests.integration.test_migrations import fill, write
from tests.support.backups import PASSWORD, Site
from tests.support.people import CANARY, Cast


def rows_of(database: Database) -> dict[str, list[str]]:
    """Return every row of every table as the database has them, whatever the models make of it."""
    metadata = MetaData()
    with database.engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: sorted(map(str, connection.execute(table.select()).all()))
            for name, table in metadata.tables.items()
        }


def test_every_row_of_every_table_comes_back(site: Site, live: Database, cast: Cast) -> None:
    with write(live) as connection:
        fill(connection)
    before = rows_of(live)
    assert min(len(rows) for rows in before.values()) >= 1
    document = site.settings.data_dir / "documents" / "letter"
    document.parent.mkdir()
    document.write_bytes(b"a sealed letter")
    made = make_backup(site.here)
    assert made.rows >= sum(map(len, before.values()))
    live.dispose()
    with write(Database(site.settings.as_owner())) as connection:
        if live.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_events_no_delete"))
        connection.execute(text("DELETE FROM audit_events"))
        connection.execute(text("DELETE FROM chat_messages"))
    document.unlink()
    restored = site.settings.data_dir / "restored-settings"
    (restored / "secrets").mkdir(parents=True)
    (restored / "secrets/of_a_former_restore").touch()
    place = restored.stat().st_ino
    done = restore(site.here, replace=True, with_settings=True)
    after = rows_of(live)
    added = set(after["audit_events"]) - set(before["audit_events"])
    assert [("backup:restored" in event) for event in added] == [True]
    assert after | {"audit_events": 0} == before | {"audit_events": 0}
    assert set(before["audit_events"]) < set(after["audit_events"])
    assert document.read_bytes() == b"a sealed letter"
    assert (done.keys.closed, done.unopened, done.files) == (0, 0, 1)
    assert done.settings == restored
    assert restored.stat().st_ino == place  # web and worker are shut out of that very folder
    assert not (restored / "secrets/of_a_former_restore").exists()
    assert (done.settings / "secrets" / "encryption_keys").read_bytes() == b"made up\n"


def test_what_holds_rows_is_not_overwritten(site: Site, live: Database, cast: Cast) -> None:
    make_backup(site.here)
    before = rows_of(live)
    with pytest.raises(Refused, match="--replace"):
        restore(site.here)
    assert rows_of(live) == before


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_what_is_in_use_is_not_replaced(
    site: Site, live: Database, cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(site.here)
    before = rows_of(live)
    systemctl = tmp_path / "bin/systemctl"
    systemctl.parent.mkdir()
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")
    for states, named in (
        ("active inactive", "medical-ai.service would"),
        ("failed activating", "medical-ai-worker.service would"),
    ):
        systemctl.write_text(f"#!/bin/sh\nprintf '%s\\n' {states}\nexit 3\n")
        systemctl.chmod(0o755)
        with pytest.raises(Refused, match=rf"{named}.*systemctl stop medical-ai\.target"):
            restore(site.here, replace=True)
    assert rows_of(live) == before
    restore(site.here, into="copy")  # nobody uses that one
    once = f"test ! -e {tmp_path}/once && touch {tmp_path}/once"
    stopping = f"if {once}; then echo deactivating; else echo inactive; fi"
    systemctl.write_text(f"#!/bin/sh\n{stopping}\necho inactive\n")
    restore(site.here, replace=True)
    no_systemd = "System has not been booted with systemd as init system"
    systemctl.write_text(f"#!/bin/sh\necho '{no_systemd}'\nexit 1\n")
    restore(site.here, replace=True)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_disk_without_room_is_noticed_before_anything_is_lost(
    site: Site, live: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(site.here)
    before = rows_of(live)
    little = shutil.disk_usage("/")._replace(free=1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: little)
    with pytest.raises(Refused, match=r"MiB on the disk.*and 0 are free"):
        restore(site.here, replace=True)
    assert rows_of(live) == before


def test_another_database_beside_it_takes_the_backup(
    site: Site, live: Database, cast: Cast
) -> None:
    make_backup(site.here)
    before = rows_of(live)
    name = f"{site.here.store().name.removesuffix('.db')}_copy"
    restore(site.here, into=name)
    store = site.here.store(name=name, as_owner=True)
    assert sum(store.list_rows().values()) == sum(map(len, before.values()))
    store.drop()
    assert rows_of(live) == before


def test_the_second_backup_adds_little(site: Site, live: Database, cast: Cast) -> None:
    with write(Database(site.settings.as_owner())) as connection:
        connection.execute(text("CREATE TABLE bulk (id INT PRIMARY KEY, words TEXT)"))
        rows = [{"id": one, "words": f"{one * 7919:x}" * 40} for one in range(8000)]
        connection.execute(text("INSERT INTO bulk VALUES (:id, :words)"), rows)
    first = make_backup(site.here)
    with write(live) as connection:
        connection.execute(text("INSERT INTO bulk VALUES (9000, 'new')"))
    second = make_backup(site.here)
    assert second.rows == first.rows + 1
    assert first.bytes_added > 300_000
    assert second.bytes_added < first.bytes_added


def test_no_secret_is_on_a_command_line_and_no_record_in_the_repository(
    site: Site, live: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[str] = []
    real = subprocess.Popen.__init__

    def note(self: object, command: list[str], **options: object) -> None:
        commands.append(" ".join(command))
        real(self, command, **options)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(subprocess.Popen, "__init__", note)
    make_backup(site.here)
    restore(site.here, into=None, replace=True)
    said = "\n".join(commands)
    assert "restic" in said
    assert PASSWORD not in said
    assert "p#" not in said
    canaries = (CANARY, cast.alice.email, "made up", "argon2id", "INSERT INTO", "SQLite format")
    for path in site.repository.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [one for one in canaries if one.encode() in content] == []


def test_the_copy_that_is_kept_has_no_key_in_it(site: Site, live: Database, cast: Cast) -> None:
    with live.engine.connect() as connection:
        keys = list(connection.scalars(text("SELECT data_key_sealed FROM patients")))
    make_backup(site.here)
    data = next(one for one in site.here.restic.list_snapshots() if one.kind == restic.DATA)
    root = site.here.restic.fetch(data, site.folder / "out")
    kept = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert len(kept) > 50_000
    for key in filter(None, keys):
        assert key not in kept
        assert key.hex().encode() not in kept.lower()


def test_what_is_wrong_with_the_repository_is_said(site: Site) -> None:
    other = site.folder / "other-password"
    other.write_text("another")
    with pytest.raises(WrongPassword):
        make_backup(site.open(restic_password_file=other))
    away = site.open(restic_repository=str(site.folder / "unmounted"))
    with pytest.raises(RepositoryAway, match="backup init"):
        make_backup(away)
    assert not (site.folder / "unmounted").exists()
    with pytest.raises(NothingThere):
        restore(site.here)
    assert list_kinds(site) == []


def test_one_runs_at_a_time(site: Site) -> None:
    with site.here.workplace.held(), pytest.raises(AlreadyRunning):
        make_backup(site.open())


def list_kinds(site: Site) -> list[str]:
    """Return the kinds of the snapshots there are."""
    return [one.kind for one in site.here.restic.list_snapshots()]
