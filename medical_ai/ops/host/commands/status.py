"""`medical-ai status`: how the installation is, on one screen."""

import click

from medical_ai.core.config import SettingsError
from medical_ai.ops.host.checks.registry import explain_settings, load_host, run_checks
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import require_readable
from medical_ai.ops.host.words import in_sentences, show


@click.command("status", help="Show how the installation is, on one screen.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@in_sentences
def status(as_json: bool) -> None:
    """Print a line for each thing that matters; exit 1 where one is not good."""
    from medical_ai.ops.host.status import STATUS

    layout = find_layout()
    for path in (layout.env_file, layout.secrets):
        require_readable(path, "status")
    try:
        host = load_host(layout)
    except SettingsError as error:
        show([explain_settings(error)], as_json=as_json)
    show(run_checks(host, STATUS), as_json=as_json)
