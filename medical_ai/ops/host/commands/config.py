"""`medical-ai config check`, `config network` and `config database`."""

from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.core.config import load_settings
from medical_ai.ops.host.config_check import check_config, only_files
from medical_ai.ops.host.findings import Level, Result
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.network import find_reach
from medical_ai.ops.host.privileges import become, require_readable
from medical_ai.ops.host.rights import connected
from medical_ai.ops.host.server_settings import find_differences
from medical_ai.ops.host.words import in_sentences, stop

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("config", help="Check the settings, and what they need.")
def config() -> None:
    """Hold the commands."""


@config.command("check", help="Check every setting and secret, and who may read them.")
@click.option("--file", type=FILE, help="Another file of settings than the installation's.")
@in_sentences
def check(file: Path | None) -> None:
    """Print what is wrong, the file's own problems first."""
    layout = find_layout()
    path = file or layout.env_file
    for one in (path, layout.secrets):
        require_readable(one, "config check")
    checked = check_config(layout, path)
    for finding in checked.findings:
        for line in Result("config", finding.level, finding.found, finding.mend).lines():
            click.echo(line)
    if not checked.is_good:
        wrong = sum(one.level is Level.FAIL for one in checked.findings)
        stop(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.")
    click.echo(f"OK: {checked.given} settings are given, and all of them are good.")


@config.command("network", help="Print what the web process must reach: its sandbox needs it.")
@click.option("--file", type=FILE, help="Another file of settings than the installation's.")
@in_sentences
def network(file: Path | None) -> None:
    """Print none, loopback or outbound."""
    layout = find_layout()
    path = file or layout.env_file
    for one in (path, layout.secrets):
        require_readable(one, "config network")
    with only_files(path, layout.secrets):
        click.echo(find_reach(load_settings()).name.lower())


@config.command("database", help="Print what this host's MariaDB would change at its restart.")
@in_sentences
def database() -> None:
    """Print a statement for each setting with which it does not run as its files say."""
    layout = find_layout()
    for one in (layout.env_file, layout.secrets):
        require_readable(one, "config database")
    settings = load_settings()
    if settings.sqlalchemy_url.startswith("sqlite"):
        return
    become(layout.user)
    try:
        with connected(settings) as connection:
            for waiting in find_differences(connection, layout.root):
                click.echo(waiting.statement)
    except SQLAlchemyError:
        stop("The database does not answer. Run: sudo medical-ai doctor")
