"""What caregivers are told, over HTTP: chosen by the patient, found in the app, sent by mail."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.medications.models import Dose
from medical_ai.medications.states import DoseStatus
from tests.functional.test_audit_completeness import Log
from tests.functional.test_care import let
from tests.support.browser import Browser
from tests.support.http import Api, signed_in
from tests.support.jobs import letters, mailing, token_of, work
from tests.support.mail import MailSink
from tests.support.people import CANARY, Cast, Person, create_patient_account, record_of

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
CHEST = "I have crushing chest pain"
ALARMS = ["missed-dose", "emergency-advised"]
NEEDS_HELP = "Somebody you look after may need help now"
NOT_MARKED = "A dose was not marked"
ABOUT_ALICE = "It is about Alice."


@pytest.fixture
def settings(settings: Settings, mail: MailSink) -> Settings:
    """Settings with the mail server on loopback."""
    return mailing(settings, mail)


@pytest.fixture
def erin(database: Database, people: Cast) -> Person:
    """Alice's friend, who is told of everything once they accept."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "erin")


@dataclass(frozen=True)
class House:
    """The application, its mail and its rows."""

    app: Flask
    mail: MailSink
    database: Database

    def work(self) -> None:
        """Let the worker do what is due, and what comes of it."""
        work(self.database)
        work(self.database)

    def invite(self, patients: Api, email: str) -> Any:
        """Invite somebody to hear of everything; return the answer and the link's token."""
        body = {"email": email, "shares": ["medicines"], "alarms": ALARMS}
        invited = patients.post("/caregivers", body).get_json()
        self.work()
        return invited, token_of(letters(self.mail, email)[0][1])


@pytest.fixture
def house(app: Flask, mail: MailSink, database: Database) -> House:
    """What the tests below work with."""
    return House(app, mail, database)


@pytest.fixture
def let_in(house: House, alices: Api, erin: Person) -> Any:
    """Let Erin look after Alice, by the link in the mail; return the invitation."""
    invited, token = house.invite(alices, "friend@example.net")
    accepted = signed_in(house.app, erin).post("/caregivers/accept", {"token": token})
    assert accepted.status_code == 204
    return invited


def page(app: Flask, who: Person, path: str) -> str:
    """Open a page as somebody."""
    browser = Browser(app)
    browser.sign_in(who)
    return browser.open(path).get_data(as_text=True)


def miss_a_dose(alices: Api, database: Database) -> None:
    """Let a dose of a medicine of Alice's have been reminded of, and not answered for hours."""
    body = {"name": CANARY, "schedules": [{"kind": "times", "times": ["00:01", "12:01"]}]}
    assert alices.post("/medications", body).status_code == 201
    with database.unit_of_work() as session:
        dose = session.scalars(select(Dose).order_by(Dose.due_at)).first()
        assert dose is not None
        dose.status, dose.sent_at = DoseStatus.SENT, clock.now() - timedelta(hours=5)


@BOTH
@pytest.mark.usefixtures("let_in")
def test_an_emergency_reaches_the_caregiver_in_the_app_and_by_mail(
    app: Flask, alices: Api, erin: Person, mail: MailSink, database: Database
) -> None:
    answer = alices.post("/chat/message", {"message": CHEST}).get_json()
    assert answer["receipt"]["told"].startswith("As you chose, a message asks somebody")
    assert "you chose" not in answer["reply"]
    for path in ("/app/notices", "/app/today", "/app/people"):
        shown = page(app, erin, path)
        assert NEEDS_HELP in shown
        assert ABOUT_ALICE in shown
        assert 'href="/app/people/NUGWI"' in shown
    work(database)
    work(database)
    (letter,) = letters(mail, erin.email)
    assert letter[0] == NEEDS_HELP
    assert "an ambulance if you cannot reach them" in letter[1].replace("\n", " ")
    assert letter[1].rstrip().endswith("/app/people")
    assert_says_nothing(mail, erin)


@BOTH
@pytest.mark.usefixtures("let_in")
def test_a_missed_dose_reaches_the_caregiver_in_the_app_and_by_mail(
    app: Flask, alices: Api, erin: Person, mail: MailSink, database: Database
) -> None:
    miss_a_dose(alices, database)
    work(database)
    work(database)
    shown = page(app, erin, "/app/notices")
    assert shown.count(NOT_MARKED) == 1
    assert ABOUT_ALICE in shown
    (letter,) = letters(mail, erin.email)
    assert letter[0] == NOT_MARKED
    assert_says_nothing(mail, erin)


def assert_says_nothing(mail: MailSink, to: Person) -> None:
    """Nothing that was sent to somebody names a person, a medicine, a symptom or a hospital."""
    whole = " ".join(str(one) for one in mail.taken if one["To"] == to.email).lower()
    for private in ("alice", "nugwi", CANARY.lower(), "chest", "pain", "riverside"):
        assert private not in whole, private


@pytest.mark.usefixtures("let_in")
def test_nobody_else_is_told(house: House, alices: Api, people: Cast) -> None:
    alices.post("/chat/message", {"message": CHEST})
    miss_a_dose(alices, house.database)
    house.work()
    for person in people.everyone:
        shown = page(house.app, person, "/app/notices")
        assert NEEDS_HELP not in shown, person.name
        assert NOT_MARKED not in shown, person.name
        assert NEEDS_HELP not in page(house.app, person, "/app/today"), person.name
        subjects = [subject for subject, _ in letters(house.mail, person.email)]
        assert not {NEEDS_HELP, NOT_MARKED} & set(subjects), person.name


def test_the_name_is_gone_with_the_consent_and_the_notice_stays(
    app: Flask, alices: Api, erin: Person, let_in: Any
) -> None:
    alices.post("/chat/message", {"message": CHEST})
    assert alices.delete(f"/caregivers/{let_in['id']}").status_code == 204
    shown = page(app, erin, "/app/notices")
    assert NEEDS_HELP in shown
    assert "Alice" not in shown
    assert "NUGWI" not in shown


@pytest.mark.usefixtures("let_in")
def test_a_caregiver_with_several_people_reads_who_it_is(
    house: House, alices: Api, erin: Person
) -> None:
    with house.database.unit_of_work() as session:
        gina = create_patient_account(session, "gina")
    ginas = signed_in(house.app, gina)
    _, token = house.invite(ginas, "again@example.net")
    signed_in(house.app, erin).post("/caregivers/accept", {"token": token})
    ginas.post("/chat/message", {"message": CHEST})
    shown = page(house.app, erin, "/app/notices")
    assert "It is about Gina." in shown
    assert ABOUT_ALICE not in shown
    alices.post("/chat/message", {"message": CHEST})
    shown = page(house.app, erin, "/app/notices")
    assert "It is about Gina." in shown
    assert ABOUT_ALICE in shown


@pytest.mark.usefixtures("let_in")
def test_todays_page_shows_it_until_it_is_marked_as_read(
    app: Flask, alices: Api, erin: Person
) -> None:
    alices.post("/chat/message", {"message": CHEST})
    browser = Browser(app)
    browser.sign_in(erin)
    for path in ("/app/today", "/app/today/notices"):
        assert NEEDS_HELP in browser.open(path).get_data(as_text=True), path
    assert browser.send("/app/notices/read").status_code == 303
    for path in ("/app/today", "/app/today/notices"):
        assert NEEDS_HELP not in browser.open(path).get_data(as_text=True), path


def test_a_caregiver_without_a_record_here_sees_it_on_todays_page_too(
    house: House, alices: Api
) -> None:
    with house.database.unit_of_work() as session:
        gus = create_patient_account(session, "gus", hospital="hillside")
    _, token = house.invite(alices, "gus@example.net")
    browser = Browser(house.app)
    browser.sign_in(gus)
    browser.open("/app/invitations/caregiver")
    browser.send("/app/invitations/caregiver/accept", token=token)
    alices.post("/chat/message", {"message": CHEST})
    assert ABOUT_ALICE in browser.open("/app/today").get_data(as_text=True)


@pytest.mark.usefixtures("let_in")
def test_the_patients_page_says_that_others_were_told_below_the_advice(
    app: Flask, alice: Person
) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    browser.open("/app/chat")
    asked = browser.send("/app/chat/messages", message=CHEST)
    shown = browser.open(asked.location).get_data(as_text=True)
    assert shown.index("Call 112") < shown.index("As you chose, a message asks somebody")


@pytest.mark.usefixtures("let_in")
def test_the_log_and_the_patients_access_log_say_that_others_were_told(
    app: Flask, alices: Api, alice: Person, database: Database
) -> None:
    log = Log(database)
    alices.post("/chat/message", {"message": CHEST})
    events = log.new()
    assert sorted(event.tag for event in events) == [
        "assistant:emergency:advised", "caregivers:alarmed",
    ]  # fmt: skip
    for event in events:
        assert (event.actor_user_id, event.basis, event.via) == (alice.user_id, "own", "api")
        assert event.hospital_id == alice.actor.tenant_id
        assert event.request_id
        assert "chest" not in str(event.details)
    miss_a_dose(alices, database)
    log.new()
    work(database)
    (event,) = [one for one in log.new() if one.tag == "caregivers:alarmed"]
    with database.reading() as session:
        assert event.patient_id == record_of(session, alice).id
    assert (event.actor_user_id, event.hospital_id) == (None, alice.actor.tenant_id)
    said = [one["sentence"] for one in alices.get("/records/access-log").get_json()["items"]]
    own = "The assistant sent a message to those who look after you"
    assert any(sentence.startswith(own) for sentence in said)
    house = "This service had a message sent to those who look after you"
    assert any(sentence.startswith(house) for sentence in said)


def test_the_pages_say_what_happens_with_the_boxes(
    app: Flask, alices: Api, alice: Person, erin: Person, let_in: Any
) -> None:
    mailed = "They find a notice here and get an e-mail."
    for path in ("/app/caregivers", f"/app/caregivers/{let_in['id']}"):
        shown = page(app, alice, path)
        assert mailed in shown
        assert "not sent yet" not in shown
    shown = page(app, erin, "/app/people/NUGWI")
    assert "You are told when a dose was missed or when the assistant advised" in shown
    (person,) = signed_in(app, erin).get("/caregivers/people").get_json()["items"]
    assert person["alarms"] == ALARMS


@pytest.mark.settings(smtp_host="")
class TestWithoutMail:
    """An installation that sends no mail says so, and leaves the notice."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Settings without a mail server."""
        return settings.model_copy(update={"smtp_host": ""})

    def test_the_pages_promise_no_mail_and_the_notice_is_there(
        self, app: Flask, alices: Api, alice: Person, erin: Person
    ) -> None:
        assert "this installation sends no e-mail" in page(app, alice, "/app/caregivers")
        let(alices, signed_in(app, erin), alarms=ALARMS)
        answer = alices.post("/chat/message", {"message": CHEST}).get_json()
        assert answer["receipt"]["told"] != ""
        assert ABOUT_ALICE in page(app, erin, "/app/notices")
