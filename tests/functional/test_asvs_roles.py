"""OWASP ASVS 5.0, V8 Authorization: rows 8.2.1 and 8.2.3, each by its number."""

from collections.abc import Callable

import pytest
from flask import Flask

from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from medical_ai.auth.permissions import ROLE_PERMISSIONS, Role
from medical_ai.core.database import Database
from medical_ai.mcp_tools.service import get_registry
from medical_ai.patients.redaction import MASK, POLICY, Treatment, Viewer, redact, treatment_of
from tests.functional.access import assemble
from tests.support.http import Api
from tests.support.medicines import MEDICINE, add_medicine
from tests.support.people import Cast, Person, record_of

STAFF = ("bob", "nina", "bill", "dana", "charlie")


def test_v8_2_1_every_function_is_open_to_named_roles_alone(app: Flask) -> None:
    """Every operation names a permission, or stands in the matrix as everybody's own."""
    matrix = assemble()
    for endpoint, view in app.view_functions.items():
        operation = getattr(view, "operation", None)
        if operation is None or endpoint in PUBLIC_ENDPOINTS or endpoint == "auth_api.refresh":
            continue
        assert endpoint in matrix, endpoint
        permission = operation.permission
        if permission is not None:
            assert any(permission in granted for granted in ROLE_PERMISSIONS.values()), endpoint


@pytest.mark.parametrize("name", ["alice", "bob", "nina", "bill", "charlie"])
def test_v8_2_1_administration_is_closed_to_every_other_role(
    app: Flask, api_of: Callable[[Person], Api], people: Cast, name: str
) -> None:
    caller = api_of(getattr(people, name))
    tried = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/admin/"):
            continue
        path = rule.rule.replace("<role>", "nurse")
        path = "/".join("0" * 8 + "-0000-0000-0000-" + "0" * 12 if "<" in part else part
                        for part in path.split("/"))  # fmt: skip
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            tried += 1
            assert caller.request(method, path).status_code == 403, (method, path)
    assert tried >= 10


def test_v8_2_3_no_field_reaches_a_role_that_it_is_not_declared_for() -> None:
    """A canary in every field of every resource, looked at by every role."""
    for resource, fields in POLICY.items():
        canaries = {name: f"canary-{resource}-{name}" for name in fields}
        for viewer in set(Viewer) - {Viewer.PATIENT}:
            seen = redact(resource, canaries, viewer).values
            for name, canary in canaries.items():
                how = treatment_of(resource, name, viewer)
                expected = {Treatment.SHOW: canary, Treatment.MASK: MASK}.get(how)
                assert seen.get(name) == expected, (resource, name, viewer)
                if how is not Treatment.SHOW:
                    assert canary not in str(seen)


@pytest.mark.parametrize("name", STAFF)
def test_v8_2_3_what_a_role_may_not_see_is_in_no_answer_and_no_tool(
    database: Database, api_of: Callable[[Person], Api], people: Cast, name: str
) -> None:
    with database.unit_of_work() as session:
        medicine = add_medicine(session, people.alice, ["08:00"])
        patient_id = record_of(session, people.alice).id
    caller = getattr(people, name)
    answer = api_of(caller).get(f"/medications/{medicine.id}").get_data(as_text=True)
    with database.unit_of_work() as session:
        try:
            rows = str(
                get_registry()
                .call(
                    session,
                    actor=caller.actor,
                    name="get_medications",
                    arguments={"patient_id": str(patient_id)},
                )
                .rows
            )
        except Exception as error:
            rows = str(error)
    for told in (answer, rows):
        assert (MEDICINE in told) == (name == "bob")


def test_v8_2_3_every_role_of_staff_has_its_column() -> None:
    assert {role.value for role in Role} <= {viewer.value for viewer in Viewer}
