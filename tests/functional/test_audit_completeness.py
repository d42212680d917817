"""Every access leaves exactly one event that says all there is to say, and no more."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.verifier import COLUMNS
from medical_ai.core.database import Database
from tests.functional.access import assemble
from tests.functional.test_access import LAST, operations
from tests.support.browser import Browser
from tests.support.http import Api, login
from tests.support.people import CANARY, Cast, Person, record_of

ApiOf = Callable[[Person], Api]
INSTRUCTIONS = "with canary seeds"
MATRIX = assemble()
OF_NO_PATIENT = {
    "auth_api.me": "is the account, which no patient's record is part of",
    "auth_api.verify": "reads a token",
    "chat_api.list_sessions": "lists one's own conversations",
    "auth_api.logout": "has a test of its own",
    "audit.search": "has a test of its own",
    "account_api.resend_verification": "has nothing to send to a confirmed address",
    "care_api.list_people": "lists whom one looks after, and opens nobody's record",
    "mfa_api.begin_totp": "stores nothing before it is confirmed",
    "mfa_api.confirm_totp": "refuses a code that is not one",
    "mfa_api.get_factors": "lists one's own ways to sign in",
    "mfa_api.renew_recovery_codes": "has nothing to renew before there is a second factor",
    "sessions_api.list_sessions": "lists one's own sign-ins",
    "sessions_api.list_tokens": "lists one's own tokens",
    "staff_api.list_staff": "lists the hospital's staff",
    "staff_api.list_invitations": "lists the hospital's invitations",
    "staff_api.list_roles": "lists what roles may do",
    "staff_api.change_role": "asks for what is so already",
    "team_api.list_openings": "lists openings to review; none is there",
    "wards_api.list_wards": "lists the hospital's wards",
}
"""Operations that touch no patient's record, each with its reason."""
SEVERAL = {
    "chat_api.send_message": "the conversation, and one for each tool that it called",
    "chat_api.send_message_older": "the same",
    "care_api.create_dependant": "the record that begins, and whose it is",
    "patients_api.list_patients": "one for each patient on the page",
    "patients_api.register_patient": "the record that begins, and the look at it",
    "team_api.end_care": "the look at the record, and the care that is not there",
}
"""Operations that leave more than one event when they succeed, each with what they are."""

BEGINNINGS = ("patient:created", "dependant:added")
"""Tags of a record that begins, which nobody needed a reason to reach."""


class Log:
    """What was written since the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: set[Any] = set()
        self.new()

    def new(self) -> list[AuditEvent]:
        """Return the events since the last look."""
        with self._database.reading() as session:
            found = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
            session.expunge_all()
        fresh = [one for one in found if one.id not in self._seen]
        self._seen |= {one.id for one in fresh}
        return fresh


@pytest.fixture
def ids(api_of: ApiOf, alice: Person, alices_ids: dict[str, str]) -> dict[str, str]:
    """What is Alice's, with words in her medicine that nobody may find again."""
    changed = {"instructions": INSTRUCTIONS}
    path = f"/medications/{alices_ids['medication_id']}"
    answer = api_of(alice).patch(path, changed)
    assert answer.status_code == 200, answer.get_json()
    return alices_ids


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill", "dana", "charlie"])
def test_every_request_leaves_exactly_one_event(
    database: Database, people: Cast, api_of: ApiOf, ids: dict[str, str], name: str
) -> None:
    person: Person = getattr(people, name)
    caller = api_of(person)
    methods, log = operations(caller.app), Log(database)
    wrong: dict[str, Any] = {}
    for endpoint in [*(one for one in MATRIX if one not in LAST), *LAST]:
        path, body, _ = MATRIX[endpoint]
        options = {} if body is None else {"json": body}
        response = caller.request(methods[endpoint], path.format(**ids), **options)
        events = log.new()
        is_refused = response.status_code in {403, 404}
        if endpoint in OF_NO_PATIENT and not is_refused:
            continue
        expected = len(events) if endpoint in SEVERAL and events else 1
        if name not in {"alice"} and endpoint in SEVERAL:
            continue  # staff without a record ask about nobody
        if len(events) != expected:
            wrong[endpoint] = (response.status_code, [one.tag for one in events])
            continue
        for event in events:
            assert event.actor_user_id == person.user_id, endpoint
            assert event.hospital_id == person.actor.tenant_id, endpoint
            assert (event.actor_role, event.via) == (person.role, "api"), endpoint
            assert event.address, endpoint
            assert event.request_id, endpoint
            assert (event.tag == "access:refused") == is_refused, (endpoint, event.tag)
            has_reason = bool(event.basis) or event.patient_id is None or event.tag in BEGINNINGS
            assert is_refused or has_reason, endpoint
    assert wrong == {}


def test_the_lists_above_name_operations_that_exist(app: Flask) -> None:
    assert set(OF_NO_PATIENT) | set(SEVERAL) <= set(MATRIX)


def test_a_question_leaves_one_event_for_itself_and_one_for_each_tool(
    database: Database, alice: Person, api_of: ApiOf, ids: dict[str, str]
) -> None:
    log = Log(database)
    answer = api_of(alice).post("/chat/message", {"message": "What am I taking?"}).get_json()
    events = log.new()
    used = [tool["name"] for tool in answer["receipt"]["tools"]]
    assert used != []
    tools = [one.details["tool"] for one in events if one.tag == "tool:called"]
    rest = [one for one in events if one.tag != "tool:called"]
    assert tools == used
    assert [one.tag for one in rest] == ["patient:record:viewed"]
    more = {"message": "And when?", "session_id": answer["session_id"]}
    api_of(alice).post("/chat/message", more)
    assert [one.tag for one in log.new() if one.tag != "tool:called"] == ["patient:record:viewed"]
    assert {one.basis for one in events} == {"own"}
    assert len({one.patient_id for one in events}) == 1


def test_a_doctors_question_through_the_assistant_is_the_doctors_access(
    database: Database, people: Cast, api_of: ApiOf, ids: dict[str, str]
) -> None:
    with database.reading() as session:
        patient_id = record_of(session, people.alice).id
    api_of(people.bob), api_of(people.charlie)
    log = Log(database)
    question = {"message": "Which medicines?", "patient_id": str(patient_id)}
    assert api_of(people.bob).post("/chat/message", question).status_code == 200
    events = log.new()
    assert "tool:called" in {one.tag for one in events}
    for event in events:
        assert (event.actor_user_id, event.patient_id) == (people.bob.user_id, patient_id)
        assert event.basis == "care-team"
    assert api_of(people.charlie).post("/chat/message", question).status_code == 404
    (refused,) = log.new()
    assert (refused.tag, refused.patient_id) == ("access:refused", patient_id)
    assert refused.actor_user_id == people.charlie.user_id


PAGES = [
    "/app/today", "/app/medications", "/app/history", "/app/medications/{medication_id}",
    "/app/medications/{medication_id}/edit", "/app/doses/{dose_id}", "/app/access-log",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_about_a_patient_leaves_one_event(
    app: Flask, database: Database, alice: Person, ids: dict[str, str], path: str
) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    log = Log(database)
    assert browser.open(path.format(**ids)).status_code == 200
    (event,) = log.new()
    assert (event.tag, event.via, event.basis) == ("patient:record:viewed", "web", "own")
    assert (event.actor_user_id, event.actor_role) == (alice.user_id, "patient")


def test_signing_in_and_out_and_failing_to_have_an_event_each(
    database: Database, api: Api, alice: Person
) -> None:
    log = Log(database)
    granted = login(api, alice.email).get_json()
    (event,) = log.new()
    assert (event.tag, event.actor_user_id, event.actor_role) == (
        "account:signed-in", alice.user_id, "patient",
    )  # fmt: skip
    assert event.address
    assert login(api, alice.email, "wrong, I think").status_code == 401
    (event,) = log.new()
    assert (event.tag, event.actor_user_id) == ("account:sign-in:failed", alice.user_id)
    assert event.hospital_id == alice.actor.tenant_id
    assert login(api, "nobody@example.org", "wrong, I think").status_code == 401
    (event,) = log.new()
    assert (event.tag, event.actor_user_id, event.hospital_id) == (
        "account:sign-in:failed", None, None,
    )  # fmt: skip
    api.with_token(granted["access_token"]).post("/auth/logout")
    (event,) = log.new()
    assert (event.tag, event.actor_user_id) == ("account:signed-out", alice.user_id)


def test_an_export_and_a_search_have_an_event_each(
    database: Database, people: Cast, api_of: ApiOf
) -> None:
    api_of(people.alice), api_of(people.dana)
    log = Log(database)
    api_of(people.alice).get("/records/access-log/export")
    (event,) = log.new()
    assert (event.tag, event.basis) == ("access-log:exported", "own")
    api_of(people.dana).get("/audit")
    (event,) = log.new()
    assert (event.tag, event.actor_user_id) == ("audit:searched", people.dana.user_id)


def test_no_event_holds_clinical_text_names_addresses_of_mail_or_codes(
    app: Flask, database: Database, people: Cast, api_of: ApiOf, ids: dict[str, str]
) -> None:
    methods = operations(app)
    for person in people.everyone:
        for path, body, _ in MATRIX.values():
            endpoint = next(name for name, row in MATRIX.items() if row[0] == path)
            if endpoint in LAST:
                continue
            options = {} if body is None else {"json": body}
            api_of(person).request(methods[endpoint], path.format(**ids), **options)
    api_of(people.dana).get("/audit?person=bob@example.org&patient=NUGWI")
    api_of(people.alice).get(f"/medications/{uuid4()}?secret={CANARY}")
    login(Api(app), "canary@example.org", CANARY * 2)
    with database.reading() as session:
        events = list(session.scalars(select(AuditEvent)))
        written = " ".join(str(getattr(one, name)) for one in events for name in COLUMNS).lower()
    assert len(events) > 50
    names = [person.name for person in people.everyone]
    for canary in (CANARY, INSTRUCTIONS, "aspirin", "@example.org", "NUGWI", "canary"):
        assert canary.lower() not in written, canary
    for name in names:
        assert not re.search(rf"\b{name}\b", written), name
