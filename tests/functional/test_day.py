"""A patient's day against real processes: gunicorn, the worker, a mail server, both databases."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.medications.models import Dose
from tests.functional.test_chat import EMERGENCY
from tests.support.http import EVENTS, events_of
from tests.support.mail import MailSink
from tests.support.people import PASSWORD, Cast, Person
from tests.support.processes import Process, Site, pinned, web, worker
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
ZONE = "Asia/Kathmandu"  # a quarter of an hour beside everybody else
CANARY = "Canarymycin"
PAIR = {"email": "carla@example.org", "password": PASSWORD}


@pytest.fixture
def settings(settings: Settings, mail: MailSink, tmp_path: Path) -> Settings:
    """Settings of real processes: mail to the loopback server, files in the test's own folder."""
    return pinned(
        settings,
        email_verification="off",  # so that the first mail is the reminder
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        smtp_timeout_seconds=2,
        worker_tick_seconds=0.3,
        trusted_proxy_hops=0,
        cookie_secure=False,
        data_dir=tmp_path,
        log_level="INFO",
    )


@pytest.fixture
def site(database: Database, people: Cast, settings: Settings, tmp_path: Path) -> Iterator[Site]:
    """The running site, where Alice is signed in."""
    with web(settings, tmp_path) as running:
        running.sign_in(people.alice.email, PASSWORD)
        yield running


StartWorker = Callable[[], AbstractContextManager[Process]]


@pytest.fixture
def start_worker(settings: Settings, tmp_path: Path) -> StartWorker:
    """Start a worker: `with start_worker() as process`."""
    return lambda: worker(settings, tmp_path)


def soon(seconds: float, zone: str = ZONE) -> tuple[str, datetime]:
    """Return a full second that comes so soon, as wall-clock text and as a moment."""
    moment = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
    return moment.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S"), moment


def medicine(*times: str) -> dict[str, Any]:
    """Return a medicine to add."""
    return {"name": CANARY, "schedules": [{"kind": "times", "times": sorted(times)}]}


def proofs(site: Site, dose_id: str) -> set[tuple[str, str]]:
    """Return how each channel fared with a dose's reminder."""
    deliveries = site.get(f"/doses/{dose_id}").json()["deliveries"]
    return {(proof["channel"], proof["status"]) for proof in deliveries}


def statuses(database: Database) -> list[str]:
    """Return where each dose is whose time has come."""
    with database.reading() as session:
        found = session.scalars(select(Dose.status).where(Dose.due_at <= datetime.now(UTC)))
        return [status.value for status in found]


def jobs_in(database: Database, status: JobStatus) -> int:
    """Count the jobs in one state."""
    with database.reading() as session:
        return len(session.scalars(select(Job.id).where(Job.status == status)).all())


def test_the_six_steps_of_a_patients_day(
    site: Site, start_worker: StartWorker, mail: MailSink
) -> None:
    # 1. Sign up, and sign in at both addresses.
    assert site.post("/auth/signup", PAIR | {"timezone": ZONE}).status_code == 201
    assert site.post("/login", PAIR).status_code == 200
    site.sign_in(**PAIR)

    # 2. Add a medicine; see its doses.
    with start_worker():
        wait_until(lambda: site.health() == (200, "healthy"), seconds=20, what="the worker ticks")
        at, moment = soon(4)
        assert site.post("/medications", medicine(at)).status_code == 201
        doses = site.get("/doses", params={"from": moment.isoformat()}).json()["items"]
        assert doses[0]["due_local"].endswith(at)

        # 3. The reminder comes in time, by e-mail and in the app.
        wait_until(lambda: mail.taken, seconds=15, what="the reminder arrives")
        late = (datetime.now(UTC) - moment).total_seconds()
        assert 0 <= late < 5
        wait_until(
            lambda: proofs(site, doses[0]["id"]) == {("email", "sent"), ("in-app", "sent")},
            seconds=10,
            what="both channels have their proof",
        )
    assert site.get(f"/doses/{doses[0]['id']}").json()["status"] == "sent"
    assert CANARY.lower() not in mail.taken[0].as_string().lower()

    # 4. Mark it taken; it stands in the history.
    taken = site.post(f"/doses/{doses[0]['id']}/taken").json()
    assert taken["status"] == "taken"
    assert site.get(f"/doses/{doses[0]['id']}").json()["answered_at"] == taken["answered_at"]

    # 5. Ask, and follow what is cited; an emergency comes first.
    for question in ("When is my next dose?", "What am I taking?", "Did I take my medicine today?"):
        answer = site.post("/chat/message", {"message": question}).json()
        assert answer["citations"], question
        for citation in answer["citations"]:
            assert citation["quote"] in site.get(citation["url"]).text
    streamed = site.post("/chat/message", {"message": EMERGENCY}, headers={"Accept": EVENTS})
    names = [name for name, _ in events_of(streamed.text)]
    assert (names[0], names[-1]) == ("triage", "done")

    # 6. Sign out: everything is dead at once.
    assert site.post("/auth/logout").status_code == 204
    assert site.get("/auth/me").status_code == 401
    assert len(mail.taken) == 1


def test_a_worker_killed_before_the_claim_loses_nothing(
    site: Site, start_worker: StartWorker, database: Database, mail: MailSink
) -> None:
    with start_worker() as first:
        wait_until(lambda: site.health() == (200, "healthy"), seconds=20, what="the worker ticks")
        at, moment = soon(2, "Europe/Berlin")
        assert site.post("/medications", medicine(at)).status_code == 201
        first.kill()
    wait_until(lambda: datetime.now(UTC) > moment, seconds=5, what="the dose is due")
    assert statuses(database) == ["planned"]
    with start_worker():
        wait_until(lambda: mail.taken, seconds=20, what="the reminder arrives")
        wait_until(lambda: statuses(database) == ["sent"], seconds=5, what="it is marked as sent")
    assert len(mail.taken) == 1


def test_a_worker_killed_while_it_sends_is_followed_by_one_that_sends_once(
    site: Site, start_worker: StartWorker, database: Database, mail: MailSink
) -> None:
    mail.behaviour = "stall"
    at, _ = soon(1, "Europe/Berlin")
    assert site.post("/medications", medicine(at)).status_code == 201
    with start_worker() as first:
        wait_until(lambda: mail.tries > 0, seconds=25, what="the worker is sending")
        first.kill()
    assert jobs_in(database, JobStatus.RUNNING) >= 1
    mail.behaviour = "ok"
    with start_worker():
        wait_until(lambda: mail.taken, seconds=25, what="the reminder arrives")
        wait_until(lambda: jobs_in(database, JobStatus.DONE) == 2, seconds=10, what="all is done")
    assert len(set(mail.message_ids)) == len(mail.taken) == 1


def test_a_worker_killed_before_it_hears_the_answer_repeats_the_same_message_id(
    site: Site, start_worker: StartWorker, database: Database, mail: MailSink
) -> None:
    mail.behaviour = "hold"
    at, _ = soon(1, "Europe/Berlin")
    assert site.post("/medications", medicine(at)).status_code == 201
    with start_worker() as first:
        wait_until(lambda: mail.taken, seconds=25, what="the mail server has the message")
        first.kill()
    mail.behaviour = "ok"
    with start_worker():
        wait_until(lambda: jobs_in(database, JobStatus.DONE) == 2, seconds=25, what="all is done")
    assert len(set(mail.message_ids)) == 1


def test_two_workers_send_one_reminder(
    site: Site, start_worker: StartWorker, database: Database, mail: MailSink
) -> None:
    with start_worker() as one, start_worker() as two:
        wait_until(lambda: site.health() == (200, "healthy"), seconds=20, what="a worker ticks")
        at, _ = soon(3, "Europe/Berlin")
        assert site.post("/medications", medicine(at)).status_code == 201
        wait_until(lambda: jobs_in(database, JobStatus.DONE) == 2, seconds=20, what="all is done")
        assert (one.stop(), two.stop()) == (0, 0)
    assert len(mail.taken) == 1


def test_logs_hold_no_clinical_word_no_token_and_no_traceback(
    site: Site, start_worker: StartWorker, mail: MailSink, tmp_path: Path, alice: Person
) -> None:
    token = site.sign_in(alice.email, PASSWORD)["access_token"]
    mail.behaviour = "550"
    with start_worker():
        at, _ = soon(1, "Europe/Berlin")
        site.post("/medications", medicine(at))
        site.post("/chat/message", {"message": f"Should I stop taking {CANARY}?"})
        site.post("/medications", {"name": CANARY, "oops": CANARY})
        site.get(f"/doses?from={CANARY}")
        wait_until(lambda: mail.tries > 0, seconds=20, what="the mail server is tried")
        time.sleep(0.5)  # whatever is written about the refusal is written now
    for log in tmp_path.glob("*.log"):
        text = log.read_text(errors="replace")
        for secret in (CANARY, PASSWORD, alice.email, token, "Traceback"):
            assert secret.lower() not in text.lower(), (log.name, secret)
        assert re.search(r"eyJ[\w-]{10,}\.", text) is None, log.name
