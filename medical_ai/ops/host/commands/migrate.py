"""`medical-ai migrate`: the tables, as the database's owner. `python3 db.py` on a host."""

import os

import click
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.core.config import Settings, load_settings
from medical_ai.ops import schema
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import become, require_readable
from medical_ai.ops.host.words import in_sentences, stop

OWNER_URL = "migration_database_url"


@click.command("migrate", help="Create the tables, or bring them to this release.")
@in_sentences
def migrate() -> None:
    """Create or upgrade the tables and say what was done; the second time nothing is."""
    settings = load_as_owner("migrate")
    try:
        for line in schema.migrate(settings):
            click.echo(line)
    except (SQLAlchemyError, CommandError) as error:
        words = f"The tables could not all be changed: {type(error).__name__}."
        stop(f"{words} Run: sudo medical-ai doctor. Once that is mended, run this again.")
    except TimeoutError as error:
        stop(f"Not now: {error}.")


def load_as_owner(command: str) -> Settings:
    """Return the settings with the owner's URL, and go on as the service's user."""
    layout = find_layout()
    for path in (layout.env_file, layout.secrets, layout.owner):
        require_readable(path, command)
    if (owner := layout.owner / OWNER_URL).exists():
        os.environ.setdefault("MIGRATION_DATABASE_URL_FILE", str(owner))
    settings = load_settings()
    if layout.env_file.exists():
        become(layout.user)  # an embedded database is to be the service's own
    return settings
