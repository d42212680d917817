"""The pages of staff and of care: what they show, and what they keep out of addresses."""

from collections.abc import Callable

import pytest
from flask import Flask

from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.medicines import MEDICINE, add_medicine, doses_of
from tests.support.patients import REASON, WRITTEN, put_on_ward, write_details
from tests.support.people import ALICES_CODE, Cast, Person, create_patient_account, record_of
from tests.support.stores import everything_in


@pytest.fixture
def browser_of(app: Flask) -> Callable[[Person], Browser]:
    """Make a browser in which somebody is signed in."""

    def made(person: Person) -> Browser:
        browser = Browser(app)
        browser.sign_in(person)
        browser.open("/app/today")
        return browser

    return made


@pytest.fixture
def carla(database: Database, people: Cast) -> Person:
    """A patient whom nobody looks after."""
    with database.unit_of_work() as session:
        return create_patient_account(session, "carla")


@pytest.fixture
def carlas_code(database: Database, carla: Person) -> str:
    """Her code."""
    with database.reading() as session:
        return record_of(session, carla).code


def text_of(browser: Browser, path: str) -> str:
    """Return a page's text."""
    return browser.open(path).get_data(as_text=True)


def test_a_patient_writes_who_she_is(
    browser_of: Callable[[Person], Browser], alice: Person
) -> None:
    hers = browser_of(alice)
    hers.open("/app/settings/details")
    assert hers.send("/app/settings/details", **WRITTEN).status_code == 303
    text = text_of(hers, "/app/settings/details")
    assert WRITTEN["name"] in text
    assert 'value="1931-05-07"' in text
    wrong = hers.send("/app/settings/details", **(WRITTEN | {"phone": "call me", "birth_date": ""}))
    assert wrong.status_code == 422
    assert "Enter a telephone number" in wrong.get_data(as_text=True)
    assert "call me" in wrong.get_data(as_text=True)  # in her own form, to be corrected
    assert hers.send("/app/settings/details").status_code == 303  # all of it taken back
    assert WRITTEN["name"] not in text_of(hers, "/app/settings/details")


def test_what_a_patient_writes_is_never_markup_for_staff(
    browser_of: Callable[[Person], Browser], database: Database, people: Cast
) -> None:
    evil = '"><script>alert(1)</script>{{7919*7907}}'
    with database.unit_of_work() as session:
        write_details(session, people.alice, name=evil, address=evil, emergency_contact=evil)
    bobs = browser_of(people.bob)
    for path in ("/app/patients", f"/app/patients/{ALICES_CODE}"):
        text = text_of(bobs, path)
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "62615533" not in text


def test_a_nurse_finds_a_patient_by_name_and_the_name_stands_in_no_address(
    browser_of: Callable[[Person], Browser], database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        write_details(session, people.alice)
        put_on_ward(session, patient=people.alice, nurse=people.nina)
    ninas = browser_of(people.nina)
    ninas.open("/app/patients")
    found = ninas.send("/app/patients", query="jose qwall", birth_date="1931-05-07")
    assert found.status_code == 200
    assert f"/app/patients/{ALICES_CODE}" in found.get_data(as_text=True)
    none = ninas.send("/app/patients", query="Somebody Else").get_data(as_text=True)
    assert "No patient of yours was found" in none
    assert "in an emergency" not in none
    assert ninas.send("/app/patients", query="x" * 101).status_code == 422
    text = text_of(ninas, f"/app/patients/{ALICES_CODE}")
    assert "on a ward of yours" in text
    assert "North" in text


def test_a_doctor_is_asked_before_the_glass_breaks_and_the_patient_reads_of_it(
    browser_of: Callable[[Person], Browser], people: Cast, carla: Person, carlas_code: str
) -> None:
    bobs = browser_of(people.bob)
    path = f"/app/patients/{carlas_code}"
    outside = bobs.open(path)
    missing = bobs.open("/app/patients/BADOM")
    assert outside.status_code == missing.status_code == 404
    assert outside.get_data(as_text=True).replace(carlas_code, "BADOM") == missing.get_data(
        as_text=True
    )
    assert "Open in an emergency" in outside.get_data(as_text=True)
    assert "The patient is told at once" in text_of(bobs, f"{path}/break-glass")
    short = bobs.send(f"{path}/break-glass", reason="now")
    assert short.status_code == 422
    assert bobs.open(path).status_code == 404
    bobs.open(f"{path}/break-glass")
    opened = bobs.send(f"{path}/break-glass", reason=REASON)
    assert (opened.status_code, opened.location) == (303, path)
    text = text_of(bobs, path)
    assert "Open in an emergency</strong> until" in text
    assert "Zyxreason" not in text
    told = text_of(browser_of(carla), "/app/notices")
    assert "Your record was opened in an emergency" in told
    assert "It was Bob, until" in told
    assert "Opened in an emergency" in text_of(browser_of(carla), "/app/care-team")
    danas = browser_of(people.dana)
    assert "A record was opened in an emergency" in text_of(danas, "/app/notices")
    assert "Zyxreason" not in text_of(danas, "/app/notices")
    assert REASON in text_of(danas, "/app/break-glass")
    assert bobs.send(f"{path}/break-glass/close").status_code == 303
    assert bobs.open(path).status_code == 404


def test_the_care_team_is_changed_on_its_page(
    browser_of: Callable[[Person], Browser], people: Cast
) -> None:
    danas, hers = browser_of(people.dana), browser_of(people.alice)
    path = f"/app/patients/{ALICES_CODE}/care-team"
    danas.open(path)
    assert danas.send(path, email="nobody@example.org").status_code == 422
    assert danas.send(path, email="bob@example.org").status_code == 409
    assert danas.send(path, email="nina@example.org").status_code == 303
    assert "Somebody looks after you now" in text_of(hers, "/app/notices")
    text = text_of(hers, "/app/care-team")
    care_ids = [one.partition("/objection")[0] for one in text.split("/app/care-team/")[1:]]
    assert len(care_ids) == 2
    assert hers.send(f"/app/care-team/{care_ids[1]}/objection").status_code == 303
    assert f"It is patient {ALICES_CODE}." in text_of(danas, "/app/notices")
    assert "The patient asks for this to end" in text_of(danas, path)
    assert danas.send(f"{path}/{care_ids[1]}/end").status_code == 303
    assert "Nina" not in text_of(hers, "/app/care-team")


def test_reading_the_pages_of_staff_changes_nothing_but_the_access_log(
    browser_of: Callable[[Person], Browser], database: Database, people: Cast
) -> None:
    browsers = [browser_of(people.bob), browser_of(people.dana)]
    before = everything_in(database)
    for browser in browsers:
        for path in ("", f"/{ALICES_CODE}", f"/{ALICES_CODE}/care-team", "/new"):
            browser.open(f"/app/patients{path}")
        browser.open("/app/break-glass")
    assert everything_in(database) == before


def test_titles_on_a_shared_computer_say_no_name_and_no_medicine(
    browser_of: Callable[[Person], Browser], database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        write_details(session, people.alice)
        medicine = add_medicine(session, people.alice, ["08:00"])
        dose = doses_of(session, medicine.id)[0]
        paths = [f"/app/medications/{medicine.id}", f"/app/doses/{dose.id}"]
    bobs = browser_of(people.bob)
    for path in [*paths, f"/app/patients/{ALICES_CODE}", f"/app/patients/{ALICES_CODE}/care-team"]:
        text = text_of(bobs, path)
        title = text.partition("<title>")[2].partition("</title>")[0]
        assert MEDICINE not in title
        assert "Zyx" not in title
        assert MEDICINE in text or "care-team" in path
