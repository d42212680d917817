"""A patient's own access log: over the API, as a page, and taken home."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event

from medical_ai.audit.sealing import seal_all
from medical_ai.core import clock
from medical_ai.core.database import Database
from tests.support.browser import Browser
from tests.support.http import Api, assert_problem
from tests.support.people import Cast, Person

ApiOf = Callable[[Person], Api]
LOG = "/records/access-log"
MEDICINE = {"name": "Canarymycin", "schedules": [{"kind": "times", "times": ["08:00"]}]}


@pytest.fixture
def medicine(alices: Api) -> str:
    """The address of Alice's medicine."""
    return f"/medications/{alices.post('/medications', MEDICINE).get_json()['id']}"


@pytest.fixture
def looked_at(people: Cast, api_of: ApiOf, medicine: str) -> str:
    """Bob looked at Alice's medicine, twice, and Nina tried to."""
    for _ in range(2):
        assert api_of(people.bob).get(medicine).status_code == 200
    assert api_of(people.nina).get(medicine).status_code == 404
    return medicine


def log_of(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return the access log."""
    response = api.get(LOG, query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    items: list[dict[str, Any]] = response.get_json()["items"]
    return items


def test_it_says_who_saw_what_when_and_why(alices: Api, looked_at: str) -> None:
    refused, second, first = log_of(alices, who="others")
    assert re.fullmatch(
        r"Dr Bob, Riverside, saw your medicines, (today|yesterday) \d\d:\d\d, in your care team\.",
        second["sentence"],
    )
    assert (first["did"], first["outcome"], first["basis"]) == (
        "saw your medicines",
        "done",
        "care-team",
    )
    assert refused["sentence"].startswith(
        "Nurse Nina, Riverside, tried to open your medicines and was refused, "
    )
    assert refused["outcome"] == "refused"


def test_ones_own_doings_are_told_where_everybodys_are_wanted(alices: Api, looked_at: str) -> None:
    mine = [one for one in log_of(alices) if one["is_own"]]
    assert any(one["sentence"].startswith("You added to your medicines, ") for one in mine)
    assert all(one["who"] in {"You", "The assistant"} for one in mine)


def test_the_assistants_lookups_are_told_as_done_for_the_patient(
    people: Cast, alices: Api, api_of: ApiOf, looked_at: str
) -> None:
    alices.post("/chat/message", {"message": "What am I taking?"})
    assert any(
        one["sentence"].startswith("The assistant looked up your medicines for you, ")
        for one in log_of(alices)
    )
    record = log_of(alices, who="others")[0]
    assert record["hospital"] == "Riverside"


def test_looking_at_the_log_is_in_the_log(alices: Api) -> None:
    log_of(alices)
    assert log_of(alices)[0]["did"] == "saw your access log"


def test_it_filters_by_person_part_and_time(people: Cast, alices: Api, looked_at: str) -> None:
    assert {one["who"] for one in log_of(alices, person=str(people.bob.user_id))} == {"Dr Bob"}
    assert log_of(alices, who="others", resource="medication") != []
    assert log_of(alices, who="others", resource="observation") == []
    with time_machine.travel(clock.now() + timedelta(days=3), tick=True):
        alices = Api(alices.app, _token(alices))
        assert log_of(alices, who="others", days=1) == []
        assert len(log_of(alices, who="others", days=7)) == 3


def _token(api: Api) -> str:
    from tests.support.http import login

    return str(login(Api(api.app), "alice@example.org").get_json()["access_token"])


def test_pages_follow_each_other(alices: Api, looked_at: str) -> None:
    whole = [one["id"] for one in log_of(alices, who="others")]
    pages, query = [], {"who": "others", "limit": "2"}
    for _ in range(2):
        answer = alices.get(LOG, query_string=query).get_json()
        pages += [one["id"] for one in answer["items"]]
        query["cursor"] = answer["next"]
    assert (pages, answer["next"]) == (whole, None)


@pytest.mark.parametrize(
    "query",
    [{"days": "0"}, {"days": "367"}, {"days": "x"}, {"who": "me"}, {"person": "bob"},
     {"resource": "%"}, {"limit": "101"}, {"cursor": "1"}, {"nonsense": "1"}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_without_repeating_it(
    alices: Api, query: dict[str, str]
) -> None:
    assert_problem(alices.get(LOG, query_string=query), 422)


def test_no_log_tells_of_anybody_else(people: Cast, api_of: ApiOf, alices: Api) -> None:
    log_of(alices)
    for person in people.everyone[1:]:
        for path in (LOG, f"{LOG}/export"):
            assert_problem(api_of(person).get(path), 403)


def test_names_cost_the_same_for_many_events(
    app: Flask, people: Cast, alices: Api, api_of: ApiOf, looked_at: str
) -> None:
    engine = app.extensions["medical_ai.database"].engine
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    log_of(alices)
    few = len(asked)
    for _ in range(10):
        api_of(people.bob).get(looked_at)
    asked.clear()
    assert len(log_of(alices)) > 10
    assert len(asked) <= few


def test_the_page_shows_others_first_and_oneself_on_request(
    app: Flask, alice: Person, looked_at: str
) -> None:
    browser = Browser(app)
    browser.sign_in(alice)
    page = browser.open("/app/access-log").get_data(as_text=True)
    assert "Dr Bob, Riverside" in page
    assert "2 times, " in page
    assert "In your care team" in page
    assert "<strong>You" not in page
    assert "<strong>You" in browser.open("/app/access-log?who=everybody").get_data(as_text=True)
    assert "Nobody else looked" not in page
    empty = browser.open("/app/access-log?who=others&resource=document&days=7&person=")
    assert "Nobody else looked" in empty.get_data(as_text=True)
    assert browser.open("/app/access-log?days=banana").status_code == 422


def test_the_page_is_not_for_those_without_a_record(app: Flask, bob: Person) -> None:
    browser = Browser(app)
    browser.sign_in(bob)
    assert browser.open("/app/access-log").status_code == 403


# -- Taken home


@pytest.fixture
def export(database: Database, alices: Api, looked_at: str, tmp_path: Path) -> Path:
    """Alice's log, unpacked: sealed but for what came last."""
    seal_all(database)
    alices.get("/medications")
    response = alices.get(f"{LOG}/export")
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    assert "attachment" in response.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(response.get_data())) as packed:
        packed.extractall(tmp_path)
    return tmp_path / "access-log"


def check(folder: Path, *, isolated: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the verifier as a patient does; `isolated` hides every installed package."""
    options = ["-I", "-S"] if isolated else []
    return subprocess.run(
        [sys.executable, *options, folder / "verify.py"],
        capture_output=True, text=True, check=False, cwd=folder.parent,
    )  # fmt: skip


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a file of the export."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("isolated", [False, True])
def test_an_export_verifies(export: Path, isolated: bool) -> None:
    done = check(export, isolated=isolated)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "are as they were sealed; 1 were not sealed yet" in done.stdout
    assert ("Signed with the key" in done.stdout) is not isolated
    assert ("Signatures were not checked" in done.stdout) is isolated


def test_an_export_can_be_read_by_people(export: Path) -> None:
    page = (export / "log.html").read_text()
    assert "Dr Bob, Riverside, saw your medicines" in page
    assert "NUGWI" in page
    assert "<script" not in page
    assert {path.name for path in export.iterdir()} == {
        "README.txt", "log.html", "events.json", "proofs.json", "verify.py",
    }  # fmt: skip


def test_an_export_is_in_the_log(export: Path, alices: Api) -> None:
    latest = log_of(alices)[0]
    assert (latest["tag"], latest["basis"]) == ("access-log:exported", "own")


def _edit_column(events: dict[str, Any]) -> None:
    events["events"][1][2] = "x"


def _remove_event(events: dict[str, Any]) -> None:
    del events["events"][1]


def _add_event(events: dict[str, Any]) -> None:
    events["events"].append(["f" * 32, *events["events"][0][1:]])


def _double_event(events: dict[str, Any]) -> None:
    events["events"].append(events["events"][0])


def _reorder_events(events: dict[str, Any]) -> None:
    events["events"].reverse()


def _edit_block(proofs: dict[str, Any]) -> None:
    next(iter(proofs["blocks"].values()))["sealed_at"] = "2020-01-01 00:00:00.000000"


def _edit_path(proofs: dict[str, Any]) -> None:
    proofs["seals"][0]["path"][0] = "00" * 32


def _edit_position(proofs: dict[str, Any]) -> None:
    proofs["seals"][0]["position"] += 1


def _remove_seal(proofs: dict[str, Any]) -> None:
    del proofs["seals"][0]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("events.json", _edit_column), ("events.json", _remove_event), ("events.json", _add_event),
        ("events.json", _double_event), ("events.json", _reorder_events),
        ("proofs.json", _edit_block), ("proofs.json", _edit_path),
        ("proofs.json", _edit_position), ("proofs.json", _remove_seal),
    ],
)  # fmt: skip
@pytest.mark.parametrize("isolated", [False, True])
def test_a_tampered_export_is_seen(
    export: Path, name: str, change: Callable[[Any], None], isolated: bool
) -> None:
    edit(export / name, change)
    done = check(export, isolated=isolated)
    assert done.returncode == 1
    assert "NOT AS IT WAS SEALED" in done.stdout


def test_a_forged_export_is_seen_by_its_signatures(export: Path) -> None:
    """Somebody takes an event out and mends every hash, but has no key."""

    def forge(events: dict[str, Any]) -> None:
        gone = events["events"].pop(1)[0]

        def mend(proofs: dict[str, Any]) -> None:
            proofs["statement"]["event_ids"].remove(gone)
            proofs["seals"] = [one for one in proofs["seals"] if one["event_id"] != gone]

        edit(export / "proofs.json", mend)

    edit(export / "events.json", forge)
    assert check(export, isolated=True).returncode == 0  # hashes alone cannot tell
    done = check(export)
    assert (done.returncode, "signature of the list" in done.stdout) == (1, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"events": 5}', "nonsense"])
@pytest.mark.parametrize("name", ["events.json", "proofs.json"])
def test_a_damaged_export_is_said_to_be_so(export: Path, name: str, content: str) -> None:
    (export / name).write_text(content)
    done = check(export)
    assert done.returncode == 1
    assert done.stdout.startswith("NOT AS IT WAS")
    assert done.stderr == ""
