"""`medical-ai maintenance on|off|status`."""

import click

from medical_ai.ops.host import maintenance as switch
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import require_root
from medical_ai.ops.host.words import in_sentences


@click.command("maintenance", help="Show visitors a page while you work: on, off or status.")
@click.argument("state", type=click.Choice(["on", "off", "status"]))
@click.option("--minutes", type=click.IntRange(1, 1440), help="How long it will probably take.")
@in_sentences
def maintenance(state: str, minutes: int | None) -> None:
    """Turn it on or off, or say which it is."""
    path = find_layout().maintenance
    if state != "status":
        require_root(f"maintenance {state}")
    if state == "on":
        switch.switch_on(path, minutes=minutes)
    elif state == "off":
        switch.switch_off(path)
    click.echo(switch.say(path))
