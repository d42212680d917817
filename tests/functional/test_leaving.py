"""Taking everything along, and leaving for good, over HTTP."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from medical_ai.auth.models import DeletionReceipt, OneTimeToken, User
from medical_ai.core.database import Database
from medical_ai.ops import erasure
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem, login, signed_in
from tests.support.people import PASSWORD, Cast, Person

BOTH = pytest.mark.parametrize("database_kind", ["sqlite", "mariadb"], indirect=True)
MEDICINE, ADVICE, SAID, FRIEND, CHILD = (
    "Canarymycin 5 mg", "canary with <b>water</b>", "canary in a coal mine",
    "canary.friend@example.net", "Canarella",
)  # fmt: skip
WRONG = {"password": "x"}  # pragma: allowlist secret - nobody has it
FILES = {
    "README.txt", "account.json", "record.json", "conversations.json", "access-log.json",
    "notices.json", "index.html",
}  # fmt: skip


@pytest.fixture
def lived(alices: Api) -> Api:
    """Alice's client, after she used everything there is."""
    times = [f"{hour:02}:59" for hour in range(0, 24, 2)]
    medicine = {
        "name": MEDICINE,
        "instructions": ADVICE,
        "schedules": [{"kind": "times", "times": times}],
    }
    alices.post("/medications", medicine)
    dose = alices.get("/doses").get_json()["items"][0]["id"]
    alices.post(f"/doses/{dose}/taken")
    alices.post("/chat/message", {"message": SAID})
    alices.post("/caregivers", {"email": FRIEND, "shares": ["medicines"]})
    child = {
        "name": CHILD,
        "birth_date": "2020-03-05",
        "timezone": "UTC",
        "relationship": "child",
        "ends_on": "2030-01-01",
    }
    alices.post("/dependants", child)
    return alices


def opened(data: bytes) -> dict[str, str]:
    """Return the files of an archive as text."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def exported(api: Api) -> dict[str, str]:
    """Return the files of one's export."""
    response = api.get("/account/export")
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["Cache-Control"] == "no-store"
    return opened(response.get_data())


@BOTH
def test_everything_of_mine_is_inside(lived: Api, bob: Person, app: Flask) -> None:
    files = exported(lived)
    assert set(files) == FILES
    read = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert read["account.json"]["account"]["email"] == "alice@example.org"
    assert read["account.json"]["memberships"][0]["role"] == "patient"
    record = read["record.json"]
    assert (record["record"]["code"], record["care_team"][0]["name"]) == ("NUGWI", "Bob")
    assert [one["name"] for one in record["medications"]] == [MEDICINE]
    assert record["medications"][0]["instructions"] == ADVICE
    assert len(record["doses"]) >= 12
    assert "taken" in {dose["status"] for dose in record["doses"]}
    assert record["caregivers"][0]["invited_address"] == FRIEND
    assert record["people_i_look_after"][0]["name"] == CHILD
    talk = read["conversations.json"]["conversations"][0]
    assert talk["messages"][0]["text"] == SAID
    assert "medication:added" in {one["what"] for one in read["access-log.json"]["events"]}
    page = files["index.html"]
    for mine in (MEDICINE, "canary with &lt;b&gt;water", SAID, FRIEND, CHILD, "NUGWI"):
        assert mine in page
    for foreign in ("<script", "http://", "https://", "<b>water"):
        assert foreign not in page


def test_no_secret_is_inside(lived: Api, database: Database) -> None:
    everything = "".join(exported(lived).values())
    with database.reading() as session:
        secrets = [user.password_hash for user in session.scalars(select(User))]
        secrets += list(session.scalars(select(OneTimeToken.token_hash)))
    settings = database.settings
    secrets += [
        one.get_secret_value()
        for one in (
            settings.secret_key,
            settings.jwt_secret,
            settings.jwt_refresh_secret,
            settings.encryption_keys,
        )
    ]
    for secret in [*secrets, lived.token, "argon2", "_sealed"]:
        assert secret not in everything


def test_nothing_of_others_is_inside(app: Flask, people: Cast, lived: Api) -> None:
    for person in (people.bob, people.nina, people.charlie, people.dana):
        text = "".join(exported(signed_in(app, person)).values())
        for hers in (MEDICINE, SAID, FRIEND, CHILD, "alice@example.org"):
            assert hers not in text, person.name


def test_a_doctors_talk_about_a_patient_stays_with_the_patient(
    app: Flask, people: Cast, lived: Api
) -> None:
    bobs = signed_in(app, people.bob)
    record = json.loads(exported(lived)["record.json"])["record"]["id"]
    bobs.post("/chat/message", {"message": "Which medicines?", "patient_id": record})
    assert json.loads(exported(bobs)["conversations.json"])["conversations"] == []


def test_an_export_is_written_in_the_log(lived: Api) -> None:
    exported(lived)
    events = json.loads(exported(lived)["access-log.json"])["events"]
    taken = [one for one in events if one["what"] == "account:exported"]
    assert {(one["by_me"], one["why"]) for one in taken} == {(True, "own")}


def test_an_old_session_signs_in_again_first(app: Flask, alice: Person) -> None:
    granted = login(Api(app), alice.email).get_json()
    now = datetime.now(UTC)
    with time_machine.travel(now + timedelta(minutes=9)):
        assert Api(app, granted["access_token"]).get("/account/export").status_code == 200
        renewed = Api(app, granted["refresh_token"]).post("/auth/refresh").get_json()
    with time_machine.travel(now + timedelta(minutes=11)):
        refused = Api(app, renewed["access_token"]).get("/account/export")
    assert "Confirm that it is you" in assert_problem(refused, 403)["detail"]


@pytest.mark.settings(ratelimit_enabled=True, ratelimit_default="1000 per second")
def test_three_exports_an_hour_are_enough(alices: Api) -> None:
    assert [alices.get("/account/export").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_the_page_asks_for_the_password(app: Flask, alice: Person, lived: Api) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    browser.open("/app/settings/export")
    wrong = browser.send("/app/settings/export", password="something else")
    assert wrong.status_code == 422
    assert "This is not your password" in wrong.get_data(as_text=True)
    right = browser.send("/app/settings/export", password=PASSWORD)
    assert MEDICINE in opened(right.get_data())["record.json"]


@BOTH
def test_an_account_is_deleted_after_the_days_to_think(
    app: Flask, database: Database, lived: Api, alice: Person
) -> None:
    assert_problem(
        lived.post("/account/deletion", {"password": "x"}), 422
    )  # pragma: allowlist secret - nobody has it
    asked = lived.post("/account/deletion", {"password": PASSWORD}).get_json()
    assert lived.get("/account/deletion").get_json() == asked
    assert lived.get("/medications").status_code == 200  # everything works as before
    due_at = datetime.fromisoformat(asked["due_at"])
    with time_machine.travel(due_at + timedelta(minutes=1)):
        with database.unit_of_work() as session:
            assert erasure.erase_due_accounts(session) == 1
        assert_problem(login(Api(app), alice.email), 401)
        with database.reading() as session:
            number = session.scalars(select(DeletionReceipt.number)).one()
        receipt = Api(app).get(f"/account/deletion/receipt/{number}").get_json()
        assert receipt == {"number": number, "done_on": due_at.date().isoformat()}
        assert Browser(app).open(f"/app/deletion-receipts/{number}").status_code == 200
    assert_problem(lived.get("/medications"), 401)
    assert_problem(Api(app).get("/account/deletion/receipt/AAAA-AAAA-AAAA-AAAA"), 404)


def test_a_deletion_is_called_off(lived: Api) -> None:
    lived.post("/account/deletion", {"password": PASSWORD})
    assert lived.delete("/account/deletion").status_code == 204
    assert_problem(lived.get("/account/deletion"), 404)
    assert_problem(lived.delete("/account/deletion"), 404)


def test_asking_ends_the_other_sessions(app: Flask, alice: Person) -> None:
    other, here = signed_in(app, alice), signed_in(app, alice)
    here.post("/account/deletion", {"password": PASSWORD})
    assert_problem(other.get("/auth/me"), 401)
    assert here.get("/auth/me").status_code == 200


def test_a_banner_says_until_when_and_one_button_calls_it_off(app: Flask, alice: Person) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    browser.open("/app/settings/delete")
    unsure = browser.send("/app/settings/delete", password=PASSWORD)
    assert unsure.status_code == 422
    assert browser.send("/app/settings/delete", password=PASSWORD, sure="1").status_code == 303
    assert "will be deleted on" in browser.open("/app/today").get_data(as_text=True)
    assert browser.send("/app/settings/delete/cancel").status_code == 303
    assert "will be deleted on" not in browser.open("/app/today").get_data(as_text=True)


def test_the_last_administrator_is_told_why_not(app: Flask, dana: Person) -> None:
    problem: Any = signed_in(app, dana).post("/account/deletion", {"password": PASSWORD})
    assert "last administrator" in assert_problem(problem, 409)["detail"]
