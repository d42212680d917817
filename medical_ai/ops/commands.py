"""Commands: `flask --app app worker`, `demo`, `audit`, and those that help people in again."""

import sys
from typing import cast

import click
from flask import Flask, current_app

from medical_ai.auth import service as auth
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core.config import SettingsError
from medical_ai.core.database import Database
from medical_ai.core.errors import NotFound
from medical_ai.core.logging import configure_logging
from medical_ai.notifications.wording import LINKS
from medical_ai.ops.audit_commands import audit_commands
from medical_ai.ops.demo import create_demo, demo_password
from medical_ai.ops.hospital_commands import (
    add_hospital,
    create_admin,
    invite_administrator,
)


def register_commands(app: Flask) -> None:
    """Add the commands to `flask --app app`."""
    app.cli.add_command(_worker)
    app.cli.add_command(_demo)
    app.cli.add_command(audit_commands)
    app.cli.add_command(_reset_link)
    app.cli.add_command(_reset_second_factor)
    app.cli.add_command(_sign_out)
    app.cli.add_command(add_hospital)
    app.cli.add_command(invite_administrator)
    app.cli.add_command(create_admin)


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


@click.command("reset-link", help="Print a link that sets a new password, for its owner alone.")
@click.argument("email")
def _reset_link(email: str) -> None:
    database = _database()
    with database.unit_of_work() as session:
        token = auth.make_reset_token(session, email=email)
    if token is None:
        sys.exit("No account with this address may sign in.")
    page = LINKS[OneTimePurpose.RESET_PASSWORD].page
    click.echo(f"{database.settings.public_url.rstrip('/')}{page}#{token}")
    click.echo(f"It works once, for {database.settings.reset_link_minutes} minutes.", err=True)


@click.command(
    "reset-second-factor", help="Take the second factor from an account whose owner lost it."
)
@click.argument("email")
def _reset_second_factor(email: str) -> None:
    with _database().unit_of_work() as session:
        if not auth.reset_by_operator(session, email=email):
            sys.exit("There is no account with this e-mail address.")
    click.echo("Done. The owner is signed out everywhere and is told by a notice.")


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
