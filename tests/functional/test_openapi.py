"""The API's description is valid, whole and true."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

from medical_ai.auth.doors import PUBLIC_ENDPOINTS
from tests.support.http import Api

METHODS = ("get", "post", "put", "patch", "delete")
OWN_DOCUMENT = {"web_api.openapi"}
PAGES = {"get_auth_sign_in_page"}
"""Pages that live at the address of an operation."""


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    """The document as everybody gets it."""
    found: dict[str, Any] = api.get("/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def references(value: Any) -> Iterator[str]:
    """Return every `$ref` in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_it_says_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    found = set(references(document))
    assert found
    for reference in found:
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_every_schema_is_valid_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        whole = schema | {"components": document["components"]}
        assert jsonschema_rs.meta.is_valid(whole), name


def test_every_endpoint_of_the_api_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (rule.endpoint, method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if hasattr(app.view_functions[rule.endpoint], "operation")
    }
    described = {operation["operationId"] for _, _, operation in operations(document)}
    assert described == {f"{method}_{name.replace('.', '_')}" for name, method in routes} | PAGES


def test_what_is_no_page_is_in_it(app: Flask) -> None:
    left_out = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], "operation")
        and not getattr(app.view_functions[rule.endpoint], "is_page", False)
        and not rule.endpoint.endswith("static")
    }
    assert left_out == OWN_DOCUMENT


def test_every_operation_says_whether_it_needs_a_token(
    app: Flask, document: dict[str, Any]
) -> None:
    public = {name.replace(".", "_") for name in PUBLIC_ENDPOINTS}
    for path, method, operation in operations(document):
        is_public = operation["operationId"].removeprefix(f"{method}_") in public
        assert operation["security"] == ([] if is_public else [{"bearer": []}]), path
        assert ("401" in operation["responses"]) or is_public, path
        assert operation["summary"], path
        assert not operation["summary"].endswith("."), path


def test_ids_are_named_after_what_they_are(document: dict[str, Any]) -> None:
    names = {
        parameter["name"]
        for _, _, operation in operations(document)
        for parameter in operation["parameters"]
        if parameter["in"] == "path"
    }
    assert names == {
        "medication_id", "dose_id", "session_id", "caregiver_id", "dependant_id", "number",
        "code", "care_id", "grant_id", "token_id", "membership_id", "invitation_id",
        "ward_id", "role",
    }  # fmt: skip


def test_inputs_refuse_what_they_do_not_know(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            name = body["schema"]["$ref"].rsplit("/", 1)[-1]
            schema = document["components"]["schemas"][name]
            assert schema["additionalProperties"] is False, path
