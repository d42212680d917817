"""Nothing that staff may read about a patient leaves without standing in the redaction policy."""

from collections.abc import Callable, Iterator
from typing import Any, cast, get_args
from unittest.mock import patch

import pytest
from flask import Flask
from pydantic import BaseModel

from medical_ai.core.database import Database
from medical_ai.mcp_tools.service import get_registry
from medical_ai.medications.schemas import DoseRead, MedicationRead
from medical_ai.patients.policy import POLICY, Treatment, Viewer
from tests.support.browser import Browser
from tests.support.http import Api
from tests.support.medicines import add_medicine
from tests.support.people import Cast, Person, create_patient_account, record_of

ABOUT_A_PATIENT = ("record", "medication", "dose", "patient")
"""The resources whose permissions open something about a patient."""

RESOURCES: dict[str, str] = {"MedicationRead": "medication", "DoseRead": "dose"}
RESOURCES |= dict.fromkeys(("PatientRead", "PatientListed", "DetailsRead"), "patient")
"""Every answer about a patient, with the resource that it is in the policy."""

OF_THE_LOOK = {"basis", "hidden_fields", "open_until"}
"""What an answer says of the look itself and not of the patient."""


def answers(app: Flask) -> Iterator[tuple[str, type[BaseModel]]]:
    """Return what every endpoint answers that opens something about a patient."""
    for endpoint, view in app.view_functions.items():
        operation = getattr(view, "operation", None)
        resource = str(operation and operation.permission).partition(":")[0]
        if operation and resource in ABOUT_A_PATIENT:
            for shape in filter(None, operation.answers.values()):
                yield endpoint, _item(shape)


def _item(shape: type[BaseModel]) -> type[BaseModel]:
    items = shape.model_fields.get("items")
    return get_args(items.annotation)[0] if items else shape


def test_every_field_of_every_answer_about_a_patient_is_declared(app: Flask) -> None:
    found = list(answers(app))
    assert {shape for _, shape in found} >= {MedicationRead, DoseRead}
    for endpoint, shape in found:
        resource = RESOURCES.get(shape.__name__)
        assert resource, f"{endpoint} answers {shape.__name__}: name its resource"
        assert set(shape.model_fields) - OF_THE_LOOK <= set(POLICY[resource]), endpoint


def test_every_tool_reads_a_resource_of_the_policy_and_only_declared_fields(
    database: Database, people: Cast
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, people.alice, ["00:00", "12:00", "23:59"])
    with database.unit_of_work() as session:
        patient_id = str(record_of(session, people.alice).id)
        for tool in get_registry().tools.values():
            result = get_registry().call(
                session,
                actor=people.bob.actor,
                name=tool.name,
                arguments={"patient_id": patient_id},
            )
            assert result.rows or tool.name == "get_next_dose", tool.name
            assert result.hidden_fields == (), tool.name  # a doctor sees all of these
            for row in result.rows:
                assert set(row) <= set(POLICY[tool.resource]), tool.name


def test_a_tool_cannot_forget_to_redact(database: Database, people: Cast) -> None:
    """What a tool reads too much of stops at the registry, and the receipt says so."""
    tool = get_registry().tools["get_medications"]
    rows = [{"id": "medication:1", "name": "Metformin", "genome": "canary"}]
    greedy = type(tool)(**{**_values(tool), "run": lambda *_: rows})
    with (
        patch.dict(get_registry().tools, {"get_medications": greedy}),
        database.unit_of_work() as session,
    ):
        patient_id = str(record_of(session, people.alice).id)
        call = {"name": "get_medications", "arguments": {"patient_id": patient_id}}
        seen = get_registry().call(session, actor=people.bob.actor, **call)
        own = get_registry().call(session, actor=people.alice.actor, **call)
    assert seen.rows == [{"id": "medication:1", "name": "Metformin"}]
    assert seen.hidden_fields == ("genome",)
    assert own.rows == rows


def test_the_json_of_another_ones_medicine_goes_through_the_policy(
    database: Database, people: Cast, api_of: Callable[[Any], Api]
) -> None:
    """V8.2.3: a field is shown, masked or hidden by who looks."""
    with database.unit_of_work() as session:
        medicine = add_medicine(session, people.alice, ["00:00", "12:00"])
    path = f"/medications/{medicine.id}"
    hides = {name: one for name, one in POLICY["medication"].items() if name != "instructions"}
    hides["instructions"] = {Viewer.DOCTOR: Treatment.HIDE}
    with patch.dict("medical_ai.patients.redaction.POLICY", {"medication": hides}):
        hers, his = (api_of(one).get(path).get_json() for one in (people.alice, people.bob))
    assert "instructions" in hers
    assert hers.keys() - his.keys() == {"instructions"}


def _values(tool: Any) -> dict[str, Any]:
    return {name: getattr(tool, name) for name in type(tool).__dataclass_fields__}


@pytest.mark.parametrize("who", ["doctor", "caregiver"])
def test_a_page_cannot_forget_to_redact(
    app: Flask, database: Database, people: Cast, api_of: Callable[[Person], Api], who: str
) -> None:
    with database.unit_of_work() as session:
        add_medicine(session, people.alice, ["00:00", "12:00", "23:59"])
        erin = create_patient_account(session, "erin")
    browser = Browser(app)
    browser.sign_in(people.bob if who == "doctor" else erin)
    page = "/app/patients/NUGWI" if who == "doctor" else "/app/people/NUGWI"
    if who == "caregiver":
        asked = {"email": "erin@example.net", "shares": ["medicines"]}
        link = api_of(people.alice).post("/caregivers", asked).get_json()["link"]
        accepted = api_of(erin).post("/caregivers/accept", {"token": link.partition("#")[2]})
        assert accepted.status_code == 204
    assert "00:00, 12:00 and 23:59" in browser.open(page).get_data(as_text=True)
    undeclared = {name: how for name, how in POLICY["medication"].items() if name != "summary"}
    with patch.dict(cast(dict[str, Any], POLICY), {"medication": undeclared}):
        shown = browser.open(page)
    assert shown.status_code == 200
    assert "00:00, 12:00 and 23:59" not in shown.get_data(as_text=True)
