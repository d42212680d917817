"""`medical-ai verify`: the deployment checklist, asked from outside."""

from pathlib import Path

import click

from medical_ai.core.config import SettingsError
from medical_ai.ops.host.checks.registry import explain_settings, load_host, run_checks
from medical_ai.ops.host.client import Site
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import require_root
from medical_ai.ops.host.words import in_sentences, show

SECONDS = 30.0
"""A dozen wrong passwords take as long as their hashes."""


@click.command("verify", help="Go through the deployment checklist as a visitor meets the site.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Where nginx listens.")
@click.option("--http-port", default=80, show_default=True, help="Where it listens for http.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate of who signed ours, where browsers do not know them.",
)
@in_sentences
def verify(as_json: bool, address: str, http_port: int, ca: Path | None) -> None:
    """Print a line for each item, with the mend beneath where it is not good."""
    from medical_ai.ops.host.verify import list_items

    require_root("verify")
    try:
        host = load_host(find_layout(), address=address)
    except SettingsError as error:
        show([explain_settings(error)], as_json=as_json)
    site = Site(host.settings.public_url, address=address, ca=ca)
    items = list_items(site, http_port=http_port)
    show(run_checks(host, items, seconds=SECONDS), as_json=as_json)
