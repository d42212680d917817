"""OWASP ASVS 5.0, what it asks of signatures (V9.1) and of logs and errors (V16), row by row."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.logging import configure_logging
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.people import CANARY, PASSWORD, Cast, Person

NEW_MEDICINE = {"name": CANARY, "schedules": [{"kind": "times", "times": ["08:00"]}]}
FORGED_LINE = '\r\n{"event": "forged", "level": "info"}'


@pytest.fixture
def log(app: Flask, settings: Settings) -> Iterator[io.StringIO]:
    """Everything the application logs, at its most talkative."""
    root = logging.getLogger()
    kept, level, written = root.handlers[:], root.level, io.StringIO()
    configure_logging(settings.model_copy(update={"log_level": "DEBUG"}), process="web")
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


def events(database: Database, tag: AuditTag) -> list[AuditEvent]:
    """Return the events of one kind, the oldest first."""
    with database.reading() as session:
        return list(
            session.scalars(
                select(AuditEvent).where(AuditEvent.tag == tag.value).order_by(AuditEvent.id)
            )
        )


def test_a_token_without_our_signature_is_nobody(app: Flask, alice: Person) -> None:
    """V9.1.1: a token's signature is checked before anything it says is believed."""
    hers = signed_in(app, alice)
    head, body, signature = hers.token.split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}.{signature[::-1]}", f"{head}.{body}"):
        assert_problem(hers.with_token(forged).get("/auth/me"), 401)


def test_no_log_line_holds_a_credential_or_a_record(
    app: Flask, log: io.StringIO, alice: Person, people: Cast
) -> None:
    """V16.2.5: what is secret, or says something of a person's health, is in no log."""
    hers = signed_in(app, alice)
    hers.post("/medications", NEW_MEDICINE)
    hers.get("/medications")
    hers.post("/chat/message", {"message": f"Did I take {CANARY}?"})
    hers.post("/medications", {"name": CANARY, "schedules": "broken"})
    hers.get(f"/medications/{CANARY}?name={CANARY}")
    login(Api(app), alice.email, password=CANARY)
    signed_in(app, people.bob).get("/patients?query=" + CANARY)
    with patch("medical_ai.medications.service.list_medications", side_effect=KeyError(CANARY)):
        assert_problem(hers.get("/medications"), 500)
    text = log.getvalue()
    assert "request.failed" in text
    for secret in (CANARY, PASSWORD, hers.token, alice.email):
        assert secret not in text


def test_every_sign_in_and_every_failure_is_kept(
    app: Flask, database: Database, alice: Person
) -> None:
    """V16.3.1: authentication is logged whether or not it succeeds, with who, when and where."""
    hers = signed_in(app, alice)
    # pragma: allowlist nextline secret
    login(Api(app), alice.email, password="not this one")
    # pragma: allowlist nextline secret
    login(Api(app), "nobody@example.org", password="not this one")
    hers.post("/auth/logout")
    [came] = events(database, AuditTag.ACCOUNT_SIGNED_IN)
    failed = events(database, AuditTag.ACCOUNT_SIGN_IN_FAILED)
    [went] = events(database, AuditTag.ACCOUNT_SIGNED_OUT)
    assert [one.actor_user_id for one in (came, *failed, went)] == [
        alice.user_id, alice.user_id, None, alice.user_id,
    ]  # fmt: skip
    assert all(one.address == "127.0.0.1" and one.request_id for one in (came, *failed, went))


def test_every_refusal_is_kept(app: Flask, database: Database, people: Cast) -> None:
    """V16.3.2: failed authorisation is logged, with who asked and for what."""
    signed_in(app, people.bill).get("/medications")
    signed_in(app, people.charlie).get("/patients/NUGWI")
    refused = events(database, AuditTag.ACCESS_REFUSED)
    assert [(one.actor_user_id, one.actor_role) for one in refused] == [
        (people.bill.user_id, "billing"), (people.charlie.user_id, "doctor"),
    ]  # fmt: skip


@pytest.mark.parametrize("header", ["User-Agent", "X-Request-Id", "X-Forwarded-For"])
def test_nobody_writes_a_line_of_their_own_into_the_log(
    app: Flask, log: io.StringIO, header: str
) -> None:
    """V16.4.1: what a client sends cannot forge, split or damage a line."""
    environ = {f"HTTP_{header.upper().replace('-', '_')}": f"x{FORGED_LINE}"}
    Api(app).get("/auth/me", environ_overrides=environ)
    Api(app).get(f"/no/such{FORGED_LINE.replace('/', '')}")
    with patch("medical_ai.auth.service.sign_in", side_effect=ValueError(FORGED_LINE)):
        login(Api(app), "a@example.org", password=FORGED_LINE)
    written = [json.loads(line) for line in log.getvalue().splitlines()]
    assert written
    assert all(line["event"] != "forged" for line in written)


def test_an_unexpected_error_tells_its_number_and_nothing_else(app: Flask, alice: Person) -> None:
    """V16.5.1: a generic answer, without a trace, a query or a secret."""
    hers = signed_in(app, alice)
    broken = OperationalError(f"SELECT '{CANARY}'", {"name": CANARY}, Exception(CANARY))
    for error, status in ((KeyError(CANARY), 500), (broken, 503)):
        with patch("medical_ai.medications.service.list_medications", side_effect=error):
            response = hers.get("/medications")
        problem = assert_problem(response, status)
        text = response.get_data(as_text=True)
        assert not any(word in text for word in (CANARY, "Traceback", "SELECT", "Error:"))
        assert problem["request_id"]


def test_what_cannot_be_recorded_is_not_shown(app: Flask, alice: Person) -> None:
    """V16.5.2, V16.5.3: when the log cannot be written the request fails closed."""
    hers = signed_in(app, alice)
    hers.post("/medications", NEW_MEDICINE)
    assert CANARY in hers.get("/medications").get_data(as_text=True)

    def store(self: Database, kept: dict[Any, Any]) -> None:
        if kept:
            raise OperationalError("INSERT", {}, Exception("disk full"))

    with patch.object(Database, "store", store):
        response = hers.get("/medications")
    assert_problem(response, 503)
    assert CANARY not in response.get_data(as_text=True)
    assert response.headers["Retry-After"]
