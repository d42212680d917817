"""Commands for an operator: a hospital more, and its first administrator."""

import sys
from typing import cast

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from medical_ai.auth import service as auth
from medical_ai.auth.permissions import Role
from medical_ai.auth.service import people
from medical_ai.core.database import Database
from medical_ai.core.errors import DomainError
from medical_ai.tenancy import service as tenancy


@click.command("add-hospital", help="Add a hospital; SLUG is its short name, such as riverside.")
@click.argument("slug")
@click.argument("name")
@click.option("--country", default="", help="ISO 3166 code, such as GB.")
@with_appcontext
def add_hospital(slug: str, name: str, country: str) -> None:
    """Create the hospital unless it is there."""
    with _database().unit_of_work() as session:
        hospital = tenancy.ensure_hospital(session, slug=slug, name=name, country=country)
    click.echo(f"{hospital.slug}: {hospital.name}")


@click.command("invite-administrator", help="Invite EMAIL to administer the hospital SLUG.")
@click.argument("slug")
@click.argument("email")
@with_appcontext
def invite_administrator(slug: str, email: str) -> None:
    """Send the invitation, or print its link where no mail server is configured."""
    try:
        with _database().unit_of_work() as session:
            created = auth.invite_administrator(session, slug=slug, email=email)
    except DomainError as error:
        sys.exit(error.detail)
    click.echo(created.link or "The invitation is on its way by e-mail.")


@click.command("create-admin", help="Print a link with which EMAIL becomes an administrator.")
@click.argument("email")
@click.option("--hospital", help="Its short name; without it the default one, made if need be.")
@with_appcontext
def create_admin(email: str, hospital: str | None) -> None:
    """Make the link anew each time; whoever administers the hospital already is left alone."""
    try:
        with _database().unit_of_work() as session:
            slug = hospital or tenancy.ensure_default_hospital(session).slug
            if _is_administrator(session, slug, email):
                click.echo(f"This person administers {slug} already.")
                return
            made = auth.invite_administrator(session, slug=slug, email=email, by_hand=True)
    except DomainError as error:
        sys.exit(error.detail)
    click.echo(made.link)
    click.echo("It works once, for a week; whoever opens it chooses the password.", err=True)


def _is_administrator(session: Session, slug: str, email: str) -> bool:
    hospital = tenancy.find_hospital(session, slug)
    if hospital is None:
        return False
    found = people.find_working_colleague(session, hospital_id=hospital.id, email=email)
    return found is not None and found.role is Role.ADMINISTRATOR


def _database() -> Database:
    return cast(Database, current_app.extensions["medical_ai.database"])
