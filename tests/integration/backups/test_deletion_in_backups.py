"""A deletion reaches the backups: once the keys' days are over, nothing of a record opens."""

import base64
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import time_machine
from pydantic import SecretStr
from sqlalchemy import select, text

from medical_ai.auth import service as auth
from medical_ai.auth.models import User
from medical_ai.core import clock
from medical_ai.core.config import AES_KEY_BYTES
from medical_ai.core.database import Database
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import Refused
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.manifest import Keys
from medical_ai.ops.backups.restoring import restore
from medical_ai.ops.worker import Worker
from medical_ai.patients.models import Patient
from tests.support.backups import Site
from tests.support.people import Cast, create_patient_account, record_of


def delete_account(database: Database, cast: Cast) -> datetime:
    """Let Alice's account be deleted, and return when that was."""
    with database.unit_of_work() as session:
        auth.request_deletion(session, actor=cast.alice.actor)
    later = clock.now() + timedelta(days=15)
    run_worker(database, later)
    return later


def run_worker(database: Database, at: datetime) -> None:
    """Let the worker do its round at a moment."""
    with time_machine.travel(at, tick=False):
        worker = Worker(database)
        worker.tick()
        worker.stop()


def sealed_key_of(database: Database, cast: Cast) -> tuple[str, bytes]:
    """Return the id of Alice's record, and its sealed key."""
    with database.reading() as session:
        patient = session.scalars(
            select(Patient).where(Patient.user_id == cast.alice.user_id)
        ).one()
        assert patient.data_key_sealed is not None
        return patient.id.hex, patient.data_key_sealed


def list_blobs(site: Site) -> list[bytes]:
    """Return every blob of the repository, whether a snapshot still asks for it or not."""
    environment = site.here.options.environment()

    def ask(*arguments: str) -> bytes:
        command = ["restic", "--no-lock", "--quiet", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    names = [line.split() for line in ask("list", "blobs").decode().splitlines()]
    return [ask("cat", "blob", name) for kind, name in names if kind == "data"]


def test_nothing_in_the_repository_opens_a_deleted_record(
    site: Site, live: Database, cast: Cast
) -> None:
    record, sealed = sealed_key_of(live, cast)
    make_backup(site.here)
    assert any(sealed.hex().encode() in blob for blob in list_blobs(site))
    later = delete_account(live, cast)
    with time_machine.travel(later + timedelta(hours=1)):
        make_backup(site.here)
    snapshots = site.here.restic.list_snapshots()
    assert [one.kind for one in snapshots] == ["data", "keys", "data"] or [
        one.kind for one in snapshots
    ] == ["data", "data", "keys"]
    for number, one in enumerate(found for found in snapshots if found.kind == restic.KEYS):
        folder = site.here.restic.fetch(one, site.folder / f"keys-{number}")
        assert Keys.read(folder).patients[record] is None
    blobs = list_blobs(site)
    assert len(blobs) > 2
    assert [blob for blob in blobs if sealed.hex().encode() in blob or sealed in blob] == []


def test_what_is_restored_from_before_a_deletion_stays_closed_and_is_deleted_again(
    site: Site, live: Database, cast: Cast
) -> None:
    make_backup(site.here)
    first = site.here.restic.list_snapshots()[-1].backup_id
    later = delete_account(live, cast)
    with live.unit_of_work() as session:
        newer = create_patient_account(session, "newcomer")
        newer_id = record_of(session, newer).id
    with time_machine.travel(later):
        make_backup(site.here)
        live.dispose()
        done = restore(site.here, at=first, replace=True)
    assert (done.keys.closed, done.keys.to_delete) == (1, 1)
    with live.reading() as session:
        assert session.get(Patient, newer_id) is None
        alice = session.get_one(User, cast.alice.user_id)
        assert (alice.deleted_at, alice.email) == (None, cast.alice.email)
        keys = session.scalars(select(Patient.data_key_sealed))
        assert list(keys) == [None]
        medicines = text("SELECT COUNT(*) FROM medications WHERE name_sealed <> ''")
        assert session.scalar(medicines)
    run_worker(live, later + timedelta(minutes=1))
    with live.reading() as session:
        assert session.get_one(User, cast.alice.user_id).deleted_at is not None
        assert session.scalar(text("SELECT COUNT(*) FROM medications WHERE id <> ''")) <= 1


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_record_that_the_newest_backup_does_not_know_opens_with_its_own_keys(
    site: Site, live: Database, cast: Cast
) -> None:
    """Somebody restored Monday over Tuesday; Tuesday's newcomers are still to be had."""
    monday = make_backup(site.here).backup_id
    with live.unit_of_work() as session:
        newcomer = record_of(session, create_patient_account(session, "newcomer"))
    tuesday = make_backup(site.here).backup_id
    live.dispose()
    restore(site.here, at=monday, replace=True)
    make_backup(site.here)
    done = restore(site.here, at=tuesday, replace=True)
    assert (done.keys.given, done.keys.closed) == (2, 0)
    with live.reading() as session:
        assert session.get_one(Patient, newcomer.id).data_key_sealed is not None


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_backups_are_kept_as_long_as_was_said(site: Site, live: Database, cast: Cast) -> None:
    here = site.open(backup_keep_daily=2, backup_keep_weekly=0, backup_keep_monthly=0)
    began = clock.now() - timedelta(days=20)  # what restic calls the future is never let go of
    for day in range(4):
        with time_machine.travel(began + timedelta(days=4 * day)):
            make_backup(here)
    kinds = [one.kind for one in here.restic.list_snapshots()]
    assert (kinds.count("data"), kinds.count("keys")) == (2, 2)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_another_database_does_not_push_the_keys_of_the_right_one_out(
    site: Site, live: Database, cast: Cast
) -> None:
    with live.unit_of_work() as session:
        for number in range(10):
            create_patient_account(session, f"patient{number}")
    make_backup(site.here)
    with live.unit_of_work() as session:
        session.execute(text("UPDATE patients SET data_key_sealed = NULL WHERE code <> 'NUGWI'"))
    with pytest.raises(Refused, match="Of 11 records in the last backup 1 are left"):
        make_backup(site.here)
    assert len(site.here.restic.list_snapshots()) == 2
    code, said = site.run("backup", "--anyway")
    assert code == 0, said


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_ring_that_opens_nothing_does_not_push_the_right_one_out(site: Site, cast: Cast) -> None:
    make_backup(site.here)
    other = SecretStr(base64.b64encode(b"k" * AES_KEY_BYTES).decode())
    settings = site.settings.model_copy(update={"encryption_keys": other})
    vars(settings).pop("ring_keys", None)  # what was worked out of the former value
    with pytest.raises(Refused, match="The key ring does not open the keys of 1 records of 1"):
        make_backup(replace(site.here, settings=settings))
    assert len(site.here.restic.list_snapshots()) == 2
