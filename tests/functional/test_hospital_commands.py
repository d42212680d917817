"""An operator adds a hospital and invites its first administrator."""

import pytest
from flask import Flask

from medical_ai.auth import service
from medical_ai.auth.schemas import SignUp
from medical_ai.auth.service import Client
from medical_ai.auth.staff_schemas import InvitationAccept
from medical_ai.core.database import Database
from medical_ai.core.errors import NotFound
from tests.support.people import PASSWORD, Cast

CLIENT = Client("192.0.2.1", "Firefox")
NEWCOMER = InvitationAccept(username="Erin", password=PASSWORD, timezone="Europe/Dublin")


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it said."""
    done = app.test_cli_runner().invoke(args=list(arguments))
    return done.exit_code, done.output.strip()


def test_a_new_hospital_gets_its_first_administrator(app: Flask, database: Database) -> None:
    for _ in range(2):
        assert run(app, "add-hospital", "lakeside", "Lakeside Hospital", "--country", "IE") == (
            0, "lakeside: Lakeside Hospital",
        )  # fmt: skip
    code, link = run(app, "invite-administrator", "lakeside", "erin@example.org")
    assert code == 0
    with database.unit_of_work() as session:
        granted = service.accept_as_newcomer(
            session,
            token=link.partition("#")[2],
            data=NEWCOMER,
            client=Client("192.0.2.1", "Firefox"),
        )
    assert (granted.user.role, granted.user.hospital.name) == ("administrator", "Lakeside Hospital")
    assert "staff:manage" in granted.user.permissions


def test_it_says_what_was_wrong_and_repeats_nothing(app: Flask, people: Cast) -> None:
    for slug, email, word in (
        ("nowhere", "erin@example.org", "no hospital"),
        ("riverside", "not-an-address", "no e-mail address"),
        ("riverside", people.bob.email, "already"),
    ):
        code, said = run(app, "invite-administrator", slug, email)
        assert code == 1
        assert word in said
        assert email not in said


def test_nobody_becomes_an_administrator_by_signing_up(database: Database) -> None:
    with database.unit_of_work() as session:
        granted = service.sign_up(
            session,
            data=SignUp(email="erin@example.org", password=PASSWORD, timezone="UTC"),
            client=Client("192.0.2.1", "Firefox"),
        )
    assert granted.user.role == "patient"


def test_the_first_administrator_of_an_installation_gets_a_link(
    app: Flask, database: Database
) -> None:
    links = [run(app, "create-admin", "erin@example.org")[1].splitlines()[0] for _ in range(2)]
    assert links[0] != links[1]
    tokens = [link.partition("#")[2] for link in links]
    with database.unit_of_work() as session, pytest.raises(NotFound):
        service.accept_as_newcomer(session, token=tokens[0], data=NEWCOMER, client=CLIENT)
    with database.unit_of_work() as session:
        granted = service.accept_as_newcomer(session, token=tokens[1], data=NEWCOMER, client=CLIENT)
    assert (granted.user.role, granted.user.hospital.name) == ("administrator", "Home")
    assert run(app, "create-admin", "erin@example.org") == (
        0, "This person administers home already.",
    )  # fmt: skip


@pytest.mark.settings(smtp_host="mail.invalid")
def test_the_link_is_printed_even_where_mail_could_be_sent(app: Flask, people: Cast) -> None:
    code, link = run(app, "create-admin", "erin@example.org", "--hospital", "riverside")
    assert code == 0
    assert "#" in link
    for slug, email, word in (
        ("nowhere", "erin@example.org", "no hospital"),
        ("riverside", people.bob.email, "already"),
    ):
        code, said = run(app, "create-admin", email, "--hospital", slug)
        assert (code, word in said) == (1, True)
