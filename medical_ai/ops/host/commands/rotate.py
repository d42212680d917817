"""`medical-ai rotate-secrets` and `rotate-keys`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from medical_ai.core.config import Settings, load_settings
from medical_ai.ops.host.layout import Layout, find_layout
from medical_ai.ops.host.privileges import in_child, require_root
from medical_ai.ops.host.programs import ProgramMissing
from medical_ai.ops.host.restart import NotRestarted, find_older, restart
from medical_ai.ops.host.secret_files import SecretFolder
from medical_ai.ops.host.words import in_sentences, stop

if TYPE_CHECKING:
    from medical_ai.ops.host.rotation import Step

NO_RELOAD = click.option(
    "--no-reload", is_flag=True, help="Leave the service as it is: you restart it yourself."
)
WHICH = ("jwt", "secret-key", "database", "all")


@click.command("rotate-secrets", help="Replace secrets; whoever is signed in stays signed in.")
@click.argument("which", type=click.Choice(WHICH), default="all")
@click.option("--finish", is_flag=True, help="Let the former secrets of tokens count no more.")
@click.option("--now", is_flag=True, help="With --finish: even if that signs people out.")
@NO_RELOAD
@in_sentences
def rotate_secrets(which: str, finish: bool, now: bool, no_reload: bool) -> None:
    """Write the new secrets and let the service take them."""
    require_root("rotate-secrets")
    layout, settings = find_layout(), load_settings()
    steps = _finish(layout, settings, now=now) if finish else _rotate(layout, settings, which)
    for step in steps:
        click.echo(step.words)
    if any(step.is_new for step in steps):
        _tell_service(layout, no_reload=no_reload)


def _finish(layout: Layout, settings: Settings, *, now: bool) -> "list[Step]":
    from medical_ai.ops.host import rotation

    steps = rotation.finish_jwt(SecretFolder(layout.secrets), settings, now=now)
    return steps or [rotation.Step("No former secret counts any more.", is_new=False)]


def _rotate(layout: Layout, settings: Settings, which: str) -> "list[Step]":
    from medical_ai.ops.host import rotation

    folder, owner = SecretFolder(layout.secrets), SecretFolder(layout.owner)
    parts: dict[str, Callable[[], list[Step]]] = {
        "jwt": lambda: rotation.rotate_jwt(folder, settings),
        "secret-key": lambda: rotation.rotate_secret_key(folder, settings),
        "database": lambda: rotation.rotate_database(folder, owner, settings, user=layout.user),
    }
    return [step for name, rotate in parts.items() if which in {name, "all"} for step in rotate()]


@click.command("rotate-keys", help="Replace the key that seals records: three steps, in order.")
@click.option("--reseal", is_flag=True, help="Second: seal everything anew; may be repeated.")
@click.option("--drop-old", is_flag=True, help="Third: take the former key out of the ring.")
@NO_RELOAD
@in_sentences
def rotate_keys(reseal: bool, drop_old: bool, no_reload: bool) -> None:
    """Put a new key first; then seal anew; then drop the old one."""
    from medical_ai.ops.host import ring

    require_root("rotate-keys")
    layout, settings = find_layout(), load_settings()
    folder = SecretFolder(layout.secrets)
    if reseal:
        _reseal(layout, settings)
    if drop_old:
        _drop(layout, settings, folder, no_reload=no_reload)
    if reseal or drop_old:
        return
    if not ring.add_key(folder):
        click.echo("A new key is in place already. Go on: medical-ai rotate-keys --reseal")
        return
    click.echo(f"A new key is first in {folder.path(ring.RING)}. Keep a copy away from here.")
    _tell_service(layout, no_reload=no_reload)
    click.echo("Now: medical-ai rotate-keys --reseal")


def _reseal(layout: Layout, settings: Settings) -> None:
    from medical_ai.ops.host import ring

    changed: dict[str, int] = in_child(lambda: ring.reseal(settings), user=layout.user)
    for name, count in changed.items():
        click.echo(f"{name}: {count} anew")
    _require_nothing_left(layout, settings)
    click.echo("Nothing depends on a former key. Now: medical-ai rotate-keys --drop-old")


def _drop(layout: Layout, settings: Settings, folder: SecretFolder, *, no_reload: bool) -> None:
    from medical_ai.ops.host import ring

    if not ring.has_former(folder):
        click.echo("There is no former key in the ring.")
        return
    if old := find_older(folder.written_at(ring.RING)):
        # They would go on sealing with the key that is about to go.
        stop(f"{old[0]} has not got the new key yet. Run: systemctl restart {' '.join(old)}")
    _require_nothing_left(layout, settings)
    dropped = ring.drop_former(folder, SecretFolder(layout.etc), settings)
    click.echo(f"{dropped} former key{'' if dropped == 1 else 's'} left the ring.")
    click.echo(
        f"Backups of before need them: they are kept in {layout.etc / ring.FORMER}."
        " Remove that file with the last of those backups."
    )
    _tell_service(layout, no_reload=no_reload)


def _require_nothing_left(layout: Layout, settings: Settings) -> None:
    from medical_ai.ops.host import ring

    left: dict[str, int] = in_child(lambda: ring.count_former(settings), user=layout.user)
    if left:
        spelled = ", ".join(f"{name}: {count}" for name, count in left.items())
        stop(f"A former key is still needed ({spelled}). Run: medical-ai rotate-keys --reseal")


def _tell_service(layout: Layout, *, no_reload: bool) -> None:
    if no_reload:
        click.echo("The service still has the old ones until you restart it.")
        return
    try:
        click.echo(restart(layout.web_socket))
    except ProgramMissing:
        stop("systemctl is not on this host: restart web and worker yourself.")
    except NotRestarted as error:
        stop(f"The service did not start again: {error}. Run: medical-ai doctor")
