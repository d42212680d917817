"""Caregivers and dependants over HTTP: consent that holds, ends, and is asked each time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, signed_in
from tests.support.people import Cast, Person, create_patient_account

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
CANARY = "Canarymycin 5 mg"
INVITE = {"email": "friend@example.net", "shares": ["medicines"]}
CHILD = {
    "name": "Emma",
    "birth_date": "2017-03-05",
    "timezone": "Europe/Berlin",
    "relationship": "child",
    "ends_on": "2030-01-01",
}


@pytest.fixture
def erin(database: Database, people: Cast) -> Person:
    """Alice's friend."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "erin")


@pytest.fixture
def erins(app: Flask, erin: Person) -> Api:
    """Erin's client."""
    return signed_in(app, erin)


@pytest.fixture
def medicine(alices: Api) -> Any:
    """A medicine of Alice's with doses all day."""
    times = [f"{hour:02}:59" for hour in range(0, 24, 2)]
    body = {"name": CANARY, "schedules": [{"kind": "times", "times": times}]}
    return alices.post("/medications", body).get_json()


def invite(alices: Api, **more: Any) -> Any:
    """Invite somebody and return the answer."""
    response = alices.post("/caregivers", INVITE | more)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.get_json()


def secret(invited: Any) -> str:
    """Return the part of a link behind the #."""
    return str(invited["link"]).partition("#")[2]


def let(alices: Api, erins: Api, **more: Any) -> Any:
    """Let somebody look after Alice."""
    invited = invite(alices, **more)
    assert erins.post("/caregivers/accept", {"token": secret(invited)}).status_code == 204
    return invited


@BOTH
def test_a_caregiver_reads_what_was_chosen_until_it_is_taken_back(
    alices: Api, erins: Api, medicine: Any
) -> None:
    address = f"/medications/{medicine['id']}"
    assert_problem(erins.get(address), 404)
    invited = let(alices, erins)
    assert erins.get(address).get_json()["name"] == CANARY
    assert_problem(erins.patch(address, {"name": "Other"}), 404)
    assert_problem(erins.delete(address), 404)
    assert alices.delete(f"/caregivers/{invited['id']}").status_code == 204
    assert_problem(erins.get(address), 404)


def test_marking_a_dose_needs_the_box_for_it(alices: Api, erins: Api, medicine: Any) -> None:
    dose = alices.get("/doses").get_json()["items"][0]["id"]
    invited = let(alices, erins)
    assert_problem(erins.post(f"/doses/{dose}/taken"), 404)
    changed = alices.patch(f"/caregivers/{invited['id']}", {"shares": ["answer-doses"]})
    assert changed.get_json()["shares"] == ["medicines", "answer-doses"]
    assert erins.post(f"/doses/{dose}/taken").get_json()["status"] == "taken"
    assert alices.get(f"/doses/{dose}").get_json()["status"] == "taken"


def test_what_a_caregiver_may_not_looks_like_what_is_not_there(
    alices: Api, erins: Api, medicine: Any
) -> None:
    let(alices, erins)
    hidden = assert_problem(erins.patch(f"/medications/{medicine['id']}", {"name": "x"}), 404)
    missing = assert_problem(erins.patch(f"/medications/{uuid4()}", {"name": "x"}), 404)
    assert hidden | {"request_id": ""} == missing | {"request_id": ""}


def test_a_caregiver_lists_whom_they_look_after(alices: Api, erins: Api) -> None:
    let(alices, erins, ends_on="2099-12-31")
    (person,) = erins.get("/caregivers/people").get_json()["items"]
    assert (person["name"], person["code"], person["kind"]) == ("Alice", "NUGWI", "caregiver")
    assert (person["shares"], person["ends_on"]) == (["medicines"], "2099-12-31")


def test_a_caregiver_asks_the_assistant_about_whom_they_look_after(
    alices: Api, erins: Api, medicine: Any
) -> None:
    let(alices, erins)
    patient_id = erins.get("/caregivers/people").get_json()["items"][0]["patient_id"]
    question = {"message": "Which medicines?", "patient_id": patient_id}
    assert CANARY in erins.post("/chat/message", question).get_data(as_text=True)
    own = erins.post("/chat/message", {"message": "Which medicines?"})
    assert CANARY not in own.get_data(as_text=True)


def test_a_conversation_is_shut_with_the_consent(alices: Api, erins: Api, medicine: Any) -> None:
    invited = let(alices, erins)
    patient_id = erins.get("/caregivers/people").get_json()["items"][0]["patient_id"]
    question = {"message": "Which medicines?", "patient_id": patient_id}
    talk = erins.post("/chat/message", question).get_json()["session_id"]
    alices.delete(f"/caregivers/{invited['id']}")
    assert_problem(erins.get(f"/chat/history/{talk}"), 404)
    assert erins.get("/chat/sessions").get_json()["items"] == []


def test_only_the_patient_manages_a_consent(
    app: Flask, people: Cast, alices: Api, erins: Api
) -> None:
    address = f"/caregivers/{let(alices, erins)['id']}"
    for person in people.everyone:
        if person is not people.alice:
            theirs = signed_in(app, person)
            assert_problem(theirs.patch(address, {"shares": ["medicines"]}), 403)
            assert_problem(theirs.delete(address), 403)
    assert_problem(erins.patch(address, {"shares": ["answer-doses"]}), 404)
    assert erins.delete(address).status_code == 204  # a caregiver may stop


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"email": "nowhere"}, "email"),
        ({"shares": []}, "shares"),
        ({"shares": ["everything"]}, "shares.0"),
        ({"shares": ["medicines"] * 17}, "shares"),
        ({"ends_on": "2020-01-01"}, "ends_on"),
        ({"alarms": ["rain"]}, "alarms.0"),
    ],
)
def test_bad_input_is_named_and_not_repeated(alices: Api, more: dict[str, Any], field: str) -> None:
    response = alices.post("/caregivers", INVITE | more)
    problem = assert_problem(response, 422)
    assert [one["loc"] for one in problem["errors"]] == [field]
    assert "everything" not in response.get_data(as_text=True)


def test_a_proxy_keeps_the_record_of_a_child(alices: Api, erins: Api) -> None:
    child = alices.post("/dependants", CHILD).get_json()
    assert (child["name"], child["kind"], child["shares"]) == (
        "Emma", "proxy", ["medicines", "answer-doses"],
    )  # fmt: skip
    moved = alices.patch(f"/dependants/{child['id']}", {"ends_on": "2035-03-05"})
    assert moved.get_json()["ends_on"] == "2035-03-05"
    assert_problem(alices.patch(f"/dependants/{child['id']}", {"ends_on": "2035-03-06"}), 422)
    assert_problem(erins.patch(f"/dependants/{child['id']}", {"ends_on": "2031-01-01"}), 404)


@BOTH
def test_a_child_takes_the_record_over(alices: Api, erins: Api) -> None:
    child = alices.post("/dependants", CHILD).get_json()
    offered = alices.post(f"/dependants/{child['id']}/handover", {"email": "e@example.net"})
    token = secret(offered.get_json())
    assert_problem(alices.post("/dependants/takeover", {"token": token}), 409)
    body = {"token": token, "keeps_caregiver": True}
    assert erins.post("/dependants/takeover", body).status_code == 204
    (left,) = alices.get("/caregivers/people").get_json()["items"]
    assert (left["code"], left["kind"]) == (child["code"], "caregiver")
    (kept,) = erins.get("/caregivers").get_json()["items"]
    assert kept["account"] == "alice@example.org"
    assert_problem(erins.post("/dependants/takeover", body), 404)


def test_the_pages_of_a_caregiver(
    app: Flask, alices: Api, erins: Api, erin: Person, medicine: Any
) -> None:
    browser = Browser(app)
    browser.sign_in(erin)
    assert browser.open("/app/people/NUGWI").status_code == 404
    invited = invite(alices)
    browser.open("/app/invitations/caregiver")
    looked = browser.send("/app/invitations/caregiver", token=secret(invited))
    assert "Alice asks for your help" in looked.get_data(as_text=True)
    assert browser.open("/app/people/NUGWI").status_code == 404  # looking accepts nothing
    assert (
        browser.send("/app/invitations/caregiver/accept", token=secret(invited)).status_code == 303
    )
    shown = browser.open("/app/people/NUGWI").get_data(as_text=True)
    assert CANARY in shown
    assert "Add a medicine" not in shown
    assert ">Taken<" not in shown.replace("\n", "")
    assert browser.open("/app/people/NUGWI/history").status_code == 200
    assert browser.open("/app/people/NUGWI/medications/new").status_code == 404
    alices.delete(f"/caregivers/{invited['id']}")
    for path in ("", "/history"):
        gone = browser.open(f"/app/people/NUGWI{path}")
        assert gone.status_code == 404
        assert CANARY not in gone.get_data(as_text=True)


def test_who_is_not_signed_in_can_look_and_say_no(app: Flask, alices: Api) -> None:
    token = secret(invite(alices))
    browser = Browser(app)
    browser.open("/app/invitations/caregiver")
    looked = browser.send("/app/invitations/caregiver", token=token)
    assert "you need an account" in looked.get_data(as_text=True)
    said = browser.send("/app/invitations/caregiver/decline", token=token)
    assert "You said no" in said.get_data(as_text=True)
    again = browser.send("/app/invitations/caregiver", token=token)
    assert again.status_code == 404
    assert alices.get("/caregivers").get_json()["items"] == []


def test_the_pages_of_a_proxy(app: Flask, alice: Person) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    browser.open("/app/people/new")
    fields = {key: value for key, value in CHILD.items() if key != "timezone"}
    made = browser.send("/app/people", **fields)
    assert made.status_code == 303
    person = made.location
    assert "Emma" in browser.open(person).get_data(as_text=True)
    browser.open(f"{person}/medications/new")
    now = datetime.now(UTC).astimezone()
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    added = browser.send(
        f"{person}/medications", name=CANARY, times=now.strftime("%H:%M"), days=days
    )
    assert added.status_code == 303
    assert CANARY in browser.open(person).get_data(as_text=True)
    offered = browser.send(f"{person}/handover", email="emma@example.net")
    assert "/app/invitations/record#" in offered.get_data(as_text=True)
    wrong = browser.send(f"{person}/end", ends_on="2099-01-01")
    assert wrong.status_code == 422
    assert "eighteenth birthday" in wrong.get_data(as_text=True)


def test_a_caregivers_end_date_shuts_the_pages(app: Flask, alices: Api, erins: Api) -> None:
    today = datetime.now(UTC).date()
    let(alices, erins, ends_on=(today + timedelta(days=1)).isoformat())
    assert len(erins.get("/caregivers/people").get_json()["items"]) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3)):
        renewed = signed_in(app, Person("erin", "erin@example.org", uuid4(), None))  # type: ignore[arg-type]  # signs in by address alone
        assert renewed.get("/caregivers/people").get_json()["items"] == []


def test_whoever_accepts_from_another_hospital_goes_there_and_finds_them(
    app: Flask, alices: Api, database: Database
) -> None:
    with database.unit_of_work() as session:
        gus = create_patient_account(session, "gus", hospital="hillside")
    guss = Browser(app)
    guss.sign_in(gus)
    guss.open("/app/invitations/caregiver")
    done = guss.send("/app/invitations/caregiver/accept", token=secret(invite(alices)))
    assert done.location == "/app/people"
    shown = guss.open("/app/people").get_data(as_text=True)
    assert "They asked you to help" in shown
    assert "Riverside" in shown
    assert 'href="/app/people"' in guss.open("/app/today").get_data(as_text=True)
    settings = guss.open("/app/settings").get_data(as_text=True)
    assert "/app/access-log" not in settings  # no record of Gus' own is here
    assert 'href="/app/caregivers"' in settings


def test_an_invitation_is_found_again_after_signing_up(app: Flask) -> None:
    wanted = "/app/invitations/caregiver"
    news = Browser(app)
    news.open(f"/signup?next={wanted}")
    # pragma: allowlist nextline secret
    fields = {"email": "new@example.org", "password": "a quiet walk at dawn"}
    done = news.send("/app/sign-up", timezone="Europe/Berlin", next=wanted, **fields)
    assert (done.status_code, done.location) == (303, wanted)


def test_a_medicine_of_a_childs_is_added_on_the_childs_page(
    app: Flask, alice: Person, alices: Api
) -> None:
    code = alices.post("/dependants", CHILD).get_json()["code"]
    browser = Browser(app)
    browser.sign_in(alice)
    shown = browser.open(f"/app/people/{code}/medications/new").get_data(as_text=True)
    assert "<h1>Add a medicine for Emma</h1>" in shown
    assert f'action="/app/people/{code}/medications"' in shown
    mistaken = browser.send(f"/app/people/{code}/medications", name="")
    assert mistaken.status_code == 422
    assert "Add a medicine for Emma" in mistaken.get_data(as_text=True)
