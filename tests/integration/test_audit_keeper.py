"""What the worker does for the log: sealing, alarms, anchors; and the commands."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import delete, select, update

from medical_ai.audit import service as audit
from medical_ai.audit.anchors import read_anchors
from medical_ai.audit.models import AuditBlock, AuditEvent, AuditSeal
from medical_ai.audit.sealing import seal_all
from medical_ai.audit.signing import keys_of
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Role
from medical_ai.bootstrap import create_app
from medical_ai.core import clock
from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings, SettingsError
from medical_ai.core.database import Database
from medical_ai.core.ids import new_id
from medical_ai.core.settings_checks import check_settings
from medical_ai.jobs import service as jobs
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.ops import alarms
from medical_ai.ops.anchoring import anchor_now, anchor_on_time
from medical_ai.ops.audit_keeper import AuditKeeper
from medical_ai.ops.worker import Worker
from tests.support.mail import MailSink
from tests.support.people import Cast, Person
from tests.support.settings import make_settings
from tests.support.stores import without_triggers

pytestmark = pytest.mark.commits


def run_jobs(database: Database) -> None:
    """Let a worker run what is in the outbox."""
    worker = Worker(database)
    worker.tick()
    worker._threads.shutdown(wait=True)


def look_at(
    database: Database, actor: Actor, *, patients: int = 1, basis: str = "care-team"
) -> None:
    """Let somebody open the records of some patients."""
    for _ in range(patients):
        with database.unit_of_work() as session:
            audit.record_view(
                session,
                actor=actor,
                patient_id=new_id(),
                permission="record:read",
                basis=basis,
            )


def refuse(database: Database, actor: Actor, times: int) -> None:
    """Refuse somebody again and again."""
    for _ in range(times):
        with database.unit_of_work() as session:
            audit.record_refusal(session, actor=actor, patient_id=new_id(), details={})


def fail_to_sign_in(database: Database, person: Person, times: int) -> None:
    """Let sign-ins on an account fail."""
    for _ in range(times):
        with database.unit_of_work() as session:
            audit.record(
                session,
                tag=AuditTag.ACCOUNT_SIGN_IN_FAILED,
                user_id=person.user_id,
                hospital_id=person.actor.tenant_id,
            )


def find_alarms(database: Database) -> int:
    """Look for what is unusual."""
    with database.unit_of_work() as session:
        return alarms.find_alarms(session)


def alarms_in(database: Database) -> list[tuple[str, UUID | None, UUID | None, int]]:
    """Return the alarms in the log: rule, hospital, person and count."""
    with database.reading() as session:
        rows = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.tag == AuditTag.AUDIT_ALARM.value)
            .order_by(AuditEvent.id)
        )
        return [
            (one.details["rule"], one.hospital_id, one.subject_id, one.details["count"])
            for one in rows
        ]


DAYTIME = clock.now().replace(hour=13, minute=20)
"""Afternoon in Berlin, where the cast lives."""
NIGHT = DAYTIME + timedelta(hours=12)


@pytest.mark.parametrize(
    ("rule", "act", "threshold"),
    [
        ("many-patients", lambda d, p: look_at(d, p.bob.actor, patients=40), 40),
        ("many-refusals", lambda d, p: refuse(d, p.bob.actor, 20), 20),
        ("break-glass", lambda d, p: look_at(d, p.bob.actor, basis="break-glass"), 1),
        ("failed-sign-ins", lambda d, p: fail_to_sign_in(d, p.bob, 8), 8),
    ],
)
def test_unusual_access_alarms_once_and_tells_the_administrators(
    database: Database,
    people: Cast,
    rule: str,
    act: Callable[[Database, Cast], None],
    threshold: int,
) -> None:
    with time_machine.travel(DAYTIME, tick=True):
        act(database, people)
        assert find_alarms(database) == 1
        assert find_alarms(database) == 0  # already in the outbox
        run_jobs(database)
        assert find_alarms(database) == 0  # already in the log
        hospital = people.bob.actor.tenant_id
        assert alarms_in(database) == [(rule, hospital, people.bob.user_id, threshold)]
        with database.reading() as session:
            told = notifications.list_notices(session, actor=people.dana.actor)
            assert [(one.kind, one.subject_id) for one in told] == [
                (NoticeKind.UNUSUAL_ACCESS, people.bob.user_id)
            ]
            for other in (people.bob, people.alice, people.charlie):
                assert notifications.list_notices(session, actor=other.actor) == []


def test_usual_access_alarms_nobody(database: Database, people: Cast) -> None:
    with time_machine.travel(DAYTIME, tick=True):
        look_at(database, people.bob.actor, patients=39)
        look_at(database, people.alice.actor, patients=1, basis="own")
        refuse(database, people.bob.actor, 19)
        fail_to_sign_in(database, people.bob, 7)
        assert find_alarms(database) == 0


def test_what_is_over_alarms_nobody(database: Database, people: Cast) -> None:
    with time_machine.travel(DAYTIME - timedelta(minutes=61), tick=True):
        look_at(database, people.bob.actor, patients=40)
    with time_machine.travel(DAYTIME, tick=True):
        assert find_alarms(database) == 0


def test_it_alarms_again_in_a_later_window(database: Database, people: Cast) -> None:
    with time_machine.travel(DAYTIME, tick=True):
        refuse(database, people.bob.actor, 20)
        assert find_alarms(database) == 1
        run_jobs(database)
    with time_machine.travel(DAYTIME + timedelta(hours=2), tick=True):
        refuse(database, people.bob.actor, 20)
        assert find_alarms(database) == 1


def test_nights_are_those_of_the_persons_own_clock(database: Database, people: Cast) -> None:
    with time_machine.travel(DAYTIME, tick=True):
        look_at(database, people.bob.actor, patients=5)
        assert find_alarms(database) == 0
    with time_machine.travel(NIGHT, tick=True):
        look_at(database, people.nina.actor, patients=9, basis="ward")
        assert find_alarms(database) == 0
        look_at(database, people.bob.actor, patients=5)
        assert find_alarms(database) == 1
        run_jobs(database)
    assert [one[0] for one in alarms_in(database)] == ["night-access"]


def test_workers_that_watch_at_once_alarm_once(database: Database, people: Cast) -> None:
    with time_machine.travel(DAYTIME, tick=True):
        refuse(database, people.bob.actor, 20)
        found = []
        for _ in range(3):
            own = Database(database.settings)
            found.append(find_alarms(own))
            own.dispose()
        run_jobs(database)
        run_jobs(database)
        assert (sum(found), len(alarms_in(database))) == (1, 1)


# -- The keeper


def test_a_tick_seals_and_one_that_fails_keeps_nothing_from_the_rest(
    database: Database, people: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_session: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("medical_ai.ops.audit_keeper.find_alarms", fail)
    AuditKeeper(database).tick()
    with database.reading() as session:
        events = set(session.scalars(select(AuditEvent.id)))
        assert set(session.scalars(select(AuditSeal.event_id))) == events != set()


# -- Anchors


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it is sent."""

    taken: list[tuple[str, dict[str, Any]]] = []
    status = 204

    def do_POST(self) -> None:
        """Take an anchor."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.taken.append((self.headers["Content-Type"], json.loads(body)))
        self.send_response(Hook.status)
        self.send_header("Location", self.path + "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    """A webhook on loopback."""
    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hook.taken, Hook.status = [], 204
    yield f"http://127.0.0.1:{server.server_port}/anchor"
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(settings: Settings, mail: MailSink, hook: str, tmp_path: Path) -> Settings:
    """Settings with every place to anchor in."""
    return settings.model_copy(
        update={
            "smtp_host": "127.0.0.1",
            "smtp_port": mail.port,
            "smtp_security": "none",
            "smtp_timeout_seconds": 10,
            "audit_anchor_file": tmp_path / "anchors",
            "audit_anchor_email": "keeper@example.org",
            "audit_anchor_webhook": SecretStr(hook),
        }
    )


def anchor(database: Database) -> int:
    """Enqueue this period's anchors."""
    with database.unit_of_work() as session:
        return anchor_on_time(session)


def test_the_head_is_anchored_in_every_place_once_a_period(
    database: Database, people: Cast, settings: Settings, mail: MailSink
) -> None:
    assert anchor(database) == 0  # nothing is sealed yet
    seal_all(database)
    assert anchor(database) == 3
    assert anchor(database) == 0
    run_jobs(database)
    file = settings.audit_anchor_file
    assert file is not None
    (line,) = file.read_text().splitlines()
    assert file.stat().st_mode & 0o777 == 0o600
    assert Hook.taken == [("application/json", json.loads(line))]
    (message,) = mail.taken
    body = message.get_body(("plain",))
    assert body is not None
    assert line in body.get_content()
    assert message["To"] == "keeper@example.org"
    assert read_anchors([line], keys_of(settings))[0].number == 1
    with time_machine.travel(clock.now() + timedelta(hours=24)):
        assert anchor(database) == 3


def test_anchors_are_appended(database: Database, people: Cast, settings: Settings) -> None:
    seal_all(database)
    for key in ("a", "b"):
        with database.unit_of_work() as session:
            anchor_now(session, key=key)
        run_jobs(database)
    assert settings.audit_anchor_file is not None
    assert len(settings.audit_anchor_file.read_text().splitlines()) == 2


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_is_asked_again_and_nobody_is_followed(
    database: Database, people: Cast, status: int
) -> None:
    seal_all(database)
    Hook.status = status
    anchor(database)
    run_jobs(database)
    assert len(Hook.taken) == 1
    with database.reading() as session:
        key = session.scalars(
            select(Job).where(Job.idempotency_key.like("audit.anchor.webhook.%"))
        ).one()
        assert (key.status, key.last_error) == (JobStatus.READY, "ChannelFailed")


def test_a_webhook_is_https_in_production(settings: Settings) -> None:
    safe = make_settings().model_copy(
        update={"production": True, "public_url": "https://x.example", "ratelimit_enabled": True}
    )
    with pytest.raises(SettingsError, match="AUDIT_ANCHOR_WEBHOOK must be an https address"):
        check_settings(
            safe.model_copy(update={"audit_anchor_webhook": SecretStr("http://x.example/")})
        )
    check_settings(
        safe.model_copy(update={"audit_anchor_webhook": SecretStr("https://x.example/")})
    )


def test_a_job_is_enqueued_once_for_a_key(database: Database) -> None:
    with database.unit_of_work() as session:
        stored = [
            jobs.enqueue_once(session, kind="x", payload={}, idempotency_key=key)
            for key in ("a", "a", "b")
        ]
    assert stored == [True, False, True]


# -- Commands


@pytest.fixture
def app(database: Database, settings: Settings) -> Iterator[Flask]:
    """The application, for its commands."""
    made = create_app(settings)
    yield made
    made.extensions["medical_ai.database"].dispose()


def command(app: Flask, *arguments: str) -> tuple[int, str]:
    """Run `flask audit …` and return its exit status and what it said."""
    with app.app_context():  # as the `flask` command gives it
        done = app.test_cli_runner().invoke(args=["audit", *arguments])
    return done.exit_code, done.output


def test_the_commands_tell_a_sound_chain(app: Flask, people: Cast, settings: Settings) -> None:
    assert command(app, "head")[1].startswith("Nothing is sealed yet.")
    assert command(app, "anchor")[0] == 1
    assert "events sealed" in command(app, "seal")[1]
    status, said = command(app, "verify")
    assert status == 0
    assert "events in 1 blocks, 0 anchors, " in said
    assert "Everything is as it was sealed." in said
    head = command(app, "head")[1]
    assert next(iter(keys_of(settings).public_keys().values())) in head
    assert command(app, "anchor") == (0, "The worker will anchor it: file, email, webhook\n")


def test_verify_names_the_first_at_fault_and_fails(
    app: Flask, database: Database, people: Cast, tmp_path: Path
) -> None:
    command(app, "seal")
    kept = tmp_path / "kept"
    kept.write_text(command(app, "head")[1].splitlines()[0] + "\n")
    assert command(app, "verify", "--anchors", str(kept))[0] == 0
    with database.reading() as session:
        first = session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)).first()
    assert first is not None
    engine = database.engine.execution_options(begin_immediate=True)
    with engine.begin() as connection, without_triggers(connection):
        connection.execute(
            update(AuditEvent.__table__).where(AuditEvent.__table__.c.id == first).values(tag="x")
        )
    status, said = command(app, "verify")
    assert status == 1
    assert f"block 1, position 0, event {first.hex}: this event" in said
    with engine.begin() as connection, without_triggers(connection):
        for table in (AuditSeal, AuditBlock, AuditEvent):
            connection.execute(delete(table.__table__))
    assert command(app, "verify")[0] == 0
    status, said = command(app, "verify", "--anchors", str(kept))
    assert (status, "the chain was cut" in said) == (1, True)
    kept.write_text("nonsense\n")
    status, said = command(app, "verify", "--anchors", str(kept))
    assert (status, "Line 1 of the anchors cannot be read." in said) == (1, True)


def test_administrators_are_those_of_the_hospital(database: Database, people: Cast) -> None:
    from medical_ai.auth.service import people as directory

    with database.reading() as session:
        found = directory.list_member_ids(
            session, hospital_id=people.dana.actor.tenant_id, role=Role.ADMINISTRATOR
        )
    assert found == [people.dana.user_id]
