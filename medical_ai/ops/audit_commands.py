"""Commands for the audit log: `flask --app app audit verify`, `head` and `anchor`."""

import sys
from pathlib import Path
from typing import cast

import click
from flask import current_app

from medical_ai.audit.anchors import anchor_of, read_anchors
from medical_ai.audit.chain import find_head
from medical_ai.audit.sealing import seal_all
from medical_ai.audit.signing import keys_of
from medical_ai.audit.verification import verify
from medical_ai.core.database import Database
from medical_ai.core.errors import InvalidInput
from medical_ai.core.ids import new_id
from medical_ai.ops.anchoring import anchor_now, places_of


@click.group("audit", help="Verify the audit log, and anchor it outside.")
def audit_commands() -> None:
    """Hold the commands."""


@audit_commands.command("verify", help="Check every event; exit 1 and name the first at fault.")
@click.option(
    "--anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of anchors, one a line, that the chain must reach.",
)
@click.option("--processes", type=click.IntRange(1, 16), default=2, show_default=True)
def _verify(anchors: Path | None, processes: int) -> None:
    database = _database()
    try:
        lines = anchors.read_text(encoding="utf-8").splitlines() if anchors else []
        known = read_anchors(lines, keys_of(database.settings))
    except (InvalidInput, UnicodeDecodeError) as error:
        sys.exit(str(error) if isinstance(error, InvalidInput) else "The anchors are not text.")
    report = verify(database, anchors=known, processes=processes)
    click.echo(
        f"{report.events} events in {report.blocks} blocks, {len(known)} anchors,"
        f" {report.seconds:.1f} seconds"
    )
    if report.problem is not None:
        sys.exit(f"NOT AS IT WAS SEALED: {report.problem}")
    click.echo("Everything is as it was sealed.")


@audit_commands.command("head", help="Print the newest block as an anchor, and the public keys.")
def _head() -> None:
    with _database().reading() as session:
        head = find_head(session)
    click.echo(anchor_of(head).spell() if head else "Nothing is sealed yet.")
    for key_id, key in keys_of(_database().settings).public_keys().items():
        click.echo(f"key {key_id} {key}", err=True)


@audit_commands.command("seal", help="Seal what waits, as the worker does all the time.")
def _seal() -> None:
    click.echo(f"{seal_all(_database(), sweep=True)} events sealed")


@audit_commands.command("anchor", help="Anchor the newest block in every place configured.")
def _anchor() -> None:
    places = places_of(_database().settings)
    if not places:
        sys.exit("No place is configured: see AUDIT_ANCHOR_FILE, _EMAIL and _WEBHOOK.")
    with _database().unit_of_work() as session:
        count = anchor_now(session, key=new_id().hex)
    if not count:
        sys.exit("Nothing is sealed yet.")
    click.echo(f"The worker will anchor it: {', '.join(places)}")


def _database() -> Database:
    return cast(Database, current_app.extensions["medical_ai.database"])
