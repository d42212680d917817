"""Commands: `flask --app app worker`, `demo` and `sign-out`."""

import sys
from typing import cast

import click
from flask import Flask, current_app

from medical_ai.auth import service as auth
from medical_ai.core.config import SettingsError
from medical_ai.core.database import Database
from medical_ai.core.errors import NotFound
from medical_ai.core.logging import configure_logging
from medical_ai.ops.demo import create_demo, demo_password


def register_commands(app: Flask) -> None:
    """Add the commands to `flask --app app`."""
    app.cli.add_command(_worker)
    app.cli.add_command(_demo)
    app.cli.add_command(_sign_out)


@click.command("worker", help="Plan doses, send reminders, run jobs. Any number may run.")
def _worker() -> None:
    # Imported here, so that web processes do not carry the scheduler.
    from medical_ai.ops.worker import run_worker

    configure_logging(_database().settings, process="worker")
    run_worker(_database())


@click.command("demo", help="Create the demo people and print their logins.")
def _demo() -> None:
    database = _database()
    password = demo_password(database.settings)
    try:
        cast_created = create_demo(database, password=password)
    except SettingsError as error:
        sys.exit(str(error))
    for person in cast_created:
        click.echo(f"{person.email:24} {password:16} {person.role.value}")


@click.command("sign-out", help="End the sessions and access tokens of an account, or of all.")
@click.argument("email", required=False)
@click.option("--everybody", is_flag=True, help="Of every account there is.")
def _sign_out(email: str | None, everybody: bool) -> None:
    if everybody == (email is not None):
        sys.exit("Give either an e-mail address or --everybody.")
    try:
        with _database().unit_of_work() as session:
            ended = auth.end_sessions_of(session, email=email)
    except NotFound as error:
        sys.exit(error.detail)
    click.echo(f"{ended} session{'' if ended == 1 else 's'} ended.")


def _database() -> Database:
    return cast(Database, current_app.extensions["medical_ai.database"])
