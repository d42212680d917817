"""`medical-ai rights`: what the database's users still lack, as statements."""

import click
from sqlalchemy.exc import DBAPIError

from medical_ai.core.config import Settings
from medical_ai.ops.backups.proof import SCRATCH
from medical_ai.ops.host.commands.migrate import load_as_owner
from medical_ai.ops.host.rights import find_missing, grant_as_owner
from medical_ai.ops.host.words import in_sentences, stop


@click.command("rights", help="Check what the database's users may do.")
@click.option("--grant", is_flag=True, help="Let the owner grant what is missing, if it may.")
@in_sentences
def rights(grant: bool) -> None:
    """Print the statements for the database's administrator; exit 1 where there are any."""
    missing = _find_missing(load_as_owner("rights"), grant=grant)
    if missing:
        click.echo("\n".join(missing))
        stop(
            "These rights are missing: let the database's administrator run the statements above,"
            " then run this again."
        )
    click.echo("OK: the database's users may do what they need.")


def _find_missing(settings: Settings, *, grant: bool) -> list[str]:
    try:
        missing = find_missing(settings, scratch=SCRATCH)
        if missing and grant:
            grant_as_owner(settings, missing)
            missing = find_missing(settings, scratch=SCRATCH)
    except DBAPIError as error:
        number = error.orig.args[0] if error.orig else 0
        stop(f"The database does not let us in (error {number}). Run: sudo medical-ai doctor")
    return missing
