"""`medical-ai`: what an operator runs on the host, as root or as the service's own user.

Everything that `flask --app app` offers, and what must also work when the application cannot start.
"""

import os
import sys
from importlib import import_module
from typing import cast

import click
from flask import Flask
from flask.cli import FlaskGroup

from medical_ai.ops.backups.commands import (
    backup_commands,
    restore_check_command,
    restore_command,
)
from medical_ai.ops.host.commands import COMMANDS
from medical_ai.ops.host.layout import find_layout
from medical_ai.ops.host.privileges import NotAllowed, become, require_mode, require_readable

SECTIONS = {
    "Look at it": ("status", "doctor", "verify", "cert-check", "config", "audit"),
    "Keep it safe": (
        "backup", "restore", "restore-check", "migrate", "rights", "rotate-secrets",
        "rotate-keys", "maintenance",
    ),
    "People": (
        "create-admin", "add-hospital", "invite-administrator", "reset-link",
        "reset-second-factor", "sign-out",
    ),
    "Run it": ("worker", "demo"),
}  # fmt: skip
"""Which commands stand together in the help. What is not named here comes last."""
OF_LIBRARIES = frozenset({"limiter"})
"""Commands that packages of ours bring along and that no operator needs."""


class OperatorGroup(FlaskGroup):
    """Its own commands, which work where the application cannot start, and the application's.

    Whoever asks for one of the application's goes on as the service's user.
    """

    def __init__(self) -> None:
        super().__init__(
            name="medical-ai",
            help="Run and look after this installation of Medical AI Assistant.",
            create_app=_load_app,
            add_default_commands=False,
            add_version_option=False,
            set_debug_flag=False,
            load_dotenv=False,
        )
        self.params.clear()  # --app and its like are for developers

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands; those of the application where there is one."""
        try:
            names = set(super().list_commands(ctx))
        except SystemExit as error:
            click.echo(f"{error}\n", err=True)
            names = set(self.commands)
        return sorted(names - OF_LIBRARIES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands in sections, each with its line of help."""
        names = self.list_commands(ctx)
        named = {name for section in SECTIONS.values() for name in section}
        more = {"More": tuple(name for name in names if name not in named)}
        for title, section in (SECTIONS | more).items():
            rows = self._describe(ctx, [name for name in section if name in names])
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _describe(self, ctx: click.Context, names: list[str]) -> list[tuple[str, str]]:
        found = [(name, self.get_command(ctx, name)) for name in names]
        return [(name, one.get_short_help_str(limit=70)) for name, one in found if one]


def _load_app() -> Flask:
    try:
        _go_on_as_the_service()
    except NotAllowed as error:
        raise SystemExit(str(error)) from None
    # Now, and not above: a command that looks for what is broken must not need it.
    return cast(Flask, import_module("app").app)


def _go_on_as_the_service() -> None:
    layout = find_layout()
    command = " ".join(sys.argv[1:2])
    if not os.environ.get("CREDENTIALS_DIRECTORY"):  # where systemd put them for a unit
        for path in (layout.env_file, layout.secrets):
            require_readable(path, command)
    if layout.env_file.exists():
        become(layout.user)
        require_mode(layout.env_file, layout.user)


def main() -> None:
    """Run one command with the settings of the installation, unless others are named."""
    layout = find_layout()
    try:
        is_installed = layout.env_file.exists()
    except PermissionError:  # said in words by the command itself
        is_installed = True
    if is_installed:
        os.environ.setdefault("ENV_FILE", str(layout.env_file))
        os.environ.setdefault("SECRETS_PREFIX", f"{layout.secrets}/")
    sys.path.insert(0, os.getcwd())
    commands.main(prog_name="medical-ai")


commands = OperatorGroup()
for command in (*COMMANDS, backup_commands, restore_command, restore_check_command):
    commands.add_command(command)

if __name__ == "__main__":
    main()
