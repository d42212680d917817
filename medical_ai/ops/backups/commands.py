"""`medical-ai backup`, `restore` and `restore-check`: for timers, and for a bad night."""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NoReturn

import click
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.core import clock
from medical_ai.core.config import SettingsError
from medical_ai.core.database import Database
from medical_ai.migrations import import_models
from medical_ai.ops.backups import restic
from medical_ai.ops.backups.errors import BackupError
from medical_ai.ops.backups.installation import Installation, load_installation
from medical_ai.ops.backups.making import make_backup
from medical_ai.ops.backups.manifest import count_rows
from medical_ai.ops.backups.proof import check_restore
from medical_ai.ops.backups.restoring import Restored, restore
from medical_ai.ops.backups.service import BACKUP, PROOF, record_run
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import NotAllowed, become
from medical_ai.ops.schema import fits_release, head_revision

FAILURES = (BackupError, SQLAlchemyError)
NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@click.group("backup", invoke_without_command=True, help="Make a backup now, as the timer does.")
@click.option(
    "--anyway", is_flag=True, help="Even if half of the records' keys are gone or closed."
)
@click.pass_context
def backup_commands(context: click.Context, anyway: bool) -> None:
    """Make a backup, unless a subcommand is named."""
    if context.invoked_subcommand is None:
        with _failing() as here:
            _make(here, anyway=anyway)


@backup_commands.command("init", help="Make the repository, where there is none yet.")
def _init() -> None:
    with _failing() as here:
        if here.restic.exists():
            click.echo("The repository is there already.")
        else:
            here.restic.create()
            click.echo("The repository is made. Keep its password where this machine is not.")


@backup_commands.command("list", help="List the backups there are, the newest last.")
def _list() -> None:
    with _failing() as here:
        found = here.restic.list_snapshots()
        keys = {one.backup_id for one in found if one.kind == restic.KEYS}
        data = [one for one in found if one.kind == restic.DATA]
        for one in data:
            own = "keys of that moment" if one.backup_id in keys else "keys of the newest backup"
            click.echo(f"{one.id}  {one.made_at:%Y-%m-%d %H:%M:%S} UTC  {own}")
        if not data:
            click.echo("There is no backup yet.")


@backup_commands.command("verify", help="Check the repository, and read a part of it again.")
@click.option("--subset", default="10%", show_default=True, help="How much: 10%, 1/7 or 500M.")
def _verify(subset: str) -> None:
    with _failing() as here:
        here.restic.check(subset)
        click.echo(f"The repository is sound; {subset} of its data was read again.")


@click.command("restore", help="Restore a backup. Stop web and worker first.")
@click.option("--at", default="latest", show_default=True, help="Which: see `backup list`.")
@click.option("--into", metavar="NAME", help="Into another database, beside the one in use.")
@click.option("--replace", is_flag=True, help="Destroy what the database holds now.")
@click.option("--with-settings", is_flag=True, help="Also write settings and secrets to a folder.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore_command(
    at: str, into: str | None, replace: bool, with_settings: bool, yes: bool
) -> None:
    """Restore a backup and say what is in it now."""
    if into is not None and not NAME.fullmatch(into):
        raise click.UsageError("The name of a database is letters, digits and underscores.")
    with _failing() as here:
        if not yes:
            click.confirm(f"Restore {at} into {here.store(name=into).name}?", abort=True)
        done = restore(here, at=at, into=into, replace=replace, with_settings=with_settings)
        _tell(done)


@click.command("restore-check", help="Prove that the newest backup restores, as the timer does.")
def restore_check_command() -> None:
    """Restore the newest backup into a scratch database and compare all of it."""
    with _failing() as here:
        started_at = clock.now()
        try:
            proof = check_restore(here)
        except FAILURES as error:
            _record(here, PROOF, started_at, error=error)
            raise
        _record(here, PROOF, started_at, snapshot=proof.snapshot_id)
        click.echo(
            f"Backup {proof.snapshot_id} restores: {proof.rows} rows of {proof.tables} tables are"
            f" as they were, {proof.keys} keys open, {proof.events} events of the log verify."
        )


def _make(here: Installation, *, anyway: bool) -> None:
    started_at = clock.now()
    try:
        made = make_backup(here, anyway=anyway)
    except FAILURES as error:
        _record(here, BACKUP, started_at, error=error)
        raise
    _record(here, BACKUP, started_at, snapshot=made.snapshot_id, bytes_added=made.bytes_added)
    click.echo(
        f"Backup {made.snapshot_id}: {made.rows} rows, {made.bytes_added} bytes are new;"
        f" dump {made.dump_seconds:.1f} s, repository {made.restic_seconds:.1f} s."
    )


def _tell(done: Restored) -> None:
    manifest, keys = done.manifest, done.keys
    for name, one in sorted(manifest.tables.items()):
        click.echo(f"{one.rows:>10}  {name}")
    click.echo(
        f"Restored the backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC:"
        f" {count_rows(manifest.tables.values())} rows, every table as it was backed up."
    )
    click.echo(f"{keys.given} records have their key, {keys.closed} have none any more.")
    if keys.to_delete:
        click.echo(f"{keys.to_delete} accounts were deleted since: the worker deletes them again.")
    if manifest.binlog:
        click.echo(f"The log of changes goes on from {manifest.binlog}: see docs/backups.md.")
    if done.files:
        click.echo(f"{done.files} other files were restored.")
    if done.settings is not None:
        click.echo(f"Settings and secrets are in {done.settings}: move them, then empty it.")
    if done.unopened:
        click.echo(
            f"ENCRYPTION_KEYS here does not open the keys of {done.unopened} records: take the one"
            " of the backup (--with-settings)."
        )
    if not fits_release(manifest.schema_version):
        click.echo(
            f"The tables are at version {manifest.schema_version}, this release is made for"
            f" {head_revision()}: run `medical-ai migrate` before anybody signs in."
        )


def _record(
    here: Installation,
    kind: str,
    started_at: datetime,
    *,
    snapshot: str = "",
    bytes_added: int = 0,
    error: Exception | None = None,
) -> None:
    """Write how a run ended; where the database is away, say so and let that be."""
    import_models()
    database = Database(here.settings)
    try:
        with database.unit_of_work() as session:
            record_run(
                session,
                kind=kind,
                started_at=started_at,
                snapshot=snapshot,
                bytes_added=bytes_added,
                error=error,
            )
    except SQLAlchemyError:
        click.echo("How this run ended could not be written to the database.", err=True)
    finally:
        database.dispose()


@contextmanager
def _failing(load: Callable[[], Installation] = load_installation) -> Iterator[Installation]:
    """Load the installation, let go of root's rights, and end with 1 and a sentence if need be."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        here = load()
        layout = find_layout()
        if layout.env_file.exists():
            become(layout.user)
        yield here
    except (BackupError, SettingsError, NotAllowed) as error:
        click.echo(f"{error}", err=True)
        sys.exit(1)
    except SQLAlchemyError as error:
        click.echo(f"The database did not do it: {type(error).__name__}.", err=True)
        sys.exit(1)


def _stop(*_: object) -> NoReturn:
    """End as by an exception, so that the work folder is emptied on the way out."""
    sys.exit(1)
