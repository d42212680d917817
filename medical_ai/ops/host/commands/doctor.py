"""`medical-ai doctor`: what is wrong, and what to type."""

import click

from medical_ai.core.config import SettingsError
from medical_ai.ops.host.checks.registry import explain_settings, load_host, run_checks
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import require_root
from medical_ai.ops.host.words import in_sentences, show


@click.command("doctor", help="Find what is wrong on this host, and how to mend it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Where nginx listens.")
@in_sentences
def doctor(as_json: bool, address: str) -> None:
    """Run every check and print a line for each, with the mend beneath."""
    # Here: they bring in the whole service, which a check of the settings can do without.
    from medical_ai.ops.host.doctor import CHECKS

    require_root("doctor")
    try:
        host = load_host(find_layout(), address=address)
    except SettingsError as error:
        show([explain_settings(error)], as_json=as_json)
    show(run_checks(host, CHECKS), as_json=as_json)
