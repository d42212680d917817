"""`medical-ai`: what an operator runs on the host, as root or as the service's own user.

Everything that `flask --app app` offers, and what must also work when the application cannot start.
"""

import os
import sys
from pathlib import Path

import click
from flask.cli import FlaskGroup

from medical_ai.ops.backups.commands import (
    backup_commands,
    restore_check_command,
    restore_command,
)

ENV_FILE = Path("/etc/medical-ai/medical-ai.env")
SECRETS = Path("/etc/medical-ai/secrets")


class OperatorGroup(FlaskGroup):
    """Lists its own commands even where the application cannot start."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands; those of the application where there is one."""
        try:
            return super().list_commands(ctx)
        except SystemExit as error:
            click.echo(f"{error}\n", err=True)
            return sorted(self.commands)


commands = OperatorGroup(
    name="medical-ai",
    help="Run and look after this installation of Medical AI Assistant.",
    add_default_commands=False,
    add_version_option=False,
    set_debug_flag=False,
    load_dotenv=False,
)

commands.add_command(backup_commands)
commands.add_command(restore_command)
commands.add_command(restore_check_command)


def main() -> None:
    """Run one command with the settings of the installation, unless others are named."""
    if ENV_FILE.exists():
        os.environ.setdefault("ENV_FILE", str(ENV_FILE))
    if SECRETS.exists():
        os.environ.setdefault("SECRETS_PREFIX", f"{SECRETS}/")
    os.environ.setdefault("FLASK_APP", "app")
    sys.path.insert(0, os.getcwd())
    commands.main(prog_name="medical-ai")


if __name__ == "__main__":
    main()
