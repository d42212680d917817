"""The OpenAPI 3.1 document, made from what the endpoints themselves declare."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from medical_ai import __version__
from medical_ai.core.api import EVENT_STREAM, JSON_TYPE, Operation
from medical_ai.core.errors import (
    Conflict,
    DomainError,
    Malformed,
    NotFound,
    PermissionDenied,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnsupportedMedia,
    UpstreamUnavailable,
)
from medical_ai.core.errors import InvalidInput as Invalid
from medical_ai.core.problems import PROBLEM_TYPE, Problem

CONVERTER_SCHEMAS: dict[str, dict[str, Any]] = {
    "UUIDConverter": {"type": "string", "format": "uuid"},
    "IntegerConverter": {"type": "integer", "minimum": 0},
    "UnicodeConverter": {"type": "string", "minLength": 1},
}
SCHEMA_REF = "#/components/schemas/{model}"
ERRORS: dict[int, type[DomainError]] = {
    kind.status: kind
    for kind in (
        Malformed, Unauthenticated, PermissionDenied, NotFound, Conflict, TooLarge,
        UnsupportedMedia, Invalid, TooManyRequests, UpstreamUnavailable,
    )
}  # fmt: skip
HEADERS: dict[int, dict[str, str]] = {
    401: {"WWW-Authenticate": "How to authenticate (RFC 6750)."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}

Document = dict[str, Any]


def build_openapi(app: Flask, *, public: frozenset[str]) -> Document:
    """Describe every endpoint that wears the API decorator.

    `public` names the endpoints that need no token. Everything refers to components by `$ref`.
    """
    routes = list(_operations(app))
    schemas = _component_schemas([operation for _, _, operation in routes])
    paths: dict[str, Document] = {}
    for rule, method, operation in routes:
        view = app.view_functions[rule.endpoint]
        paths.setdefault(_path(rule), {})[method.lower()] = _describe(
            rule, method, operation, inspect.getdoc(view) or "", rule.endpoint in public
        )
    _add_pages(app, paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Medical AI Assistant",
            "version": __version__,
            "description": "Accounts, medicines, reminders and an assistant that answers from"
            " the patient's own record. Errors are RFC 9457 problem details.",
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This installation"}],
        "tags": [{"name": name, "description": f"Operations of {name}."} for name in _tags(routes)],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token (a JWT), or a personal access token"
                    " (`mai_pat_…`) whose scopes suffice. Operations of the account refuse the"
                    " latter with 403.",
                }
            },
            "responses": {_error_name(status): _error(status) for status in sorted(ERRORS)},
        },
    }


def _add_pages(app: Flask, paths: dict[str, Document]) -> None:
    # A page may live at the address of an operation: whoever reads of one should know the other.
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        is_page = getattr(view, "is_page", False) and "GET" in (rule.methods or ())
        if is_page and _path(rule) in paths:
            paths[_path(rule)]["get"] = _describe_page(rule, inspect.getdoc(view) or "")


def _path(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)


def _operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    for rule in app.url_map.iter_rules():
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, operation


def _tags(routes: list[tuple[Rule, str, Operation]]) -> list[str]:
    return sorted({_tag(rule) for rule, _, _ in routes})


def _tag(rule: Rule) -> str:
    blueprint, _, _ = rule.endpoint.partition(".")
    return str(blueprint).removesuffix("_api")


def _component_schemas(operations: list[Operation]) -> Document:
    inputs = [op.body for op in operations if op.body is not None]
    outputs = [model for op in operations for model in op.answers.values() if model is not None]
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in inputs]
    outputs.append(Problem)
    wanted += [(model, "serialization") for model in outputs]
    _, schemas = models_json_schema(list(dict.fromkeys(wanted)), ref_template=SCHEMA_REF)
    definitions: Document = schemas["$defs"]
    return definitions


def _describe(rule: Rule, method: str, op: Operation, doc: str, public: bool) -> Document:
    summary, _, rest = doc.partition("\n")
    described: Document = {
        "operationId": f"{method.lower()}_{rule.endpoint.replace('.', '_')}",
        "tags": [_tag(rule)],
        "summary": summary.rstrip("."),
        "description": " ".join(rest.split()) or summary,
        "security": [] if public else [{"bearer": []}],
        "parameters": [*_path_parameters(rule), *_query_parameters(op)],
        "responses": {
            **{str(status): _answer(status, model, op) for status, model in op.answers.items()},
            **{str(status): _error_ref(status) for status in _statuses(rule, op, public)},
        },
    }
    if op.permission:
        described["description"] += f" Needs the permission `{op.permission}`."
    if op.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON_TYPE: _schema(op.body)}}
    return described


def _describe_page(rule: Rule, doc: str) -> Document:
    page = {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    return {
        "operationId": f"get_{rule.endpoint.replace('.', '_')}",
        "tags": [_tag(rule)],
        "summary": doc.partition("\n")[0].rstrip("."),
        "description": "A page for browsers, at the address of an operation.",
        "security": [],
        "parameters": _path_parameters(rule),
        "responses": {"200": page},
    }


def _path_parameters(rule: Rule) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": CONVERTER_SCHEMAS[type(rule._converters[name]).__name__],
        }
        for name in sorted(rule.arguments)
    ]


def _query_parameters(op: Operation) -> list[Document]:
    if op.query is None:
        return []
    schema = op.query.model_json_schema(by_alias=True)
    required = set(schema.get("required", ()))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": about.pop("description", name),
            "schema": about,
        }
        for name, about in schema["properties"].items()
    ]


def _statuses(rule: Rule, op: Operation, public: bool) -> list[int]:
    statuses = {429, 503, *op.errors}
    statuses |= set() if public else {401}
    statuses |= {403} if op.permission else set()
    statuses |= {404} if rule.arguments else set()
    statuses |= {400, 413, 415, 422} if op.body is not None else set()
    statuses |= {422} if op.query is not None else set()
    return sorted(statuses)


def _schema(model: type[BaseModel]) -> Document:
    name = model.__name__.replace("[", "_").replace("]", "_")
    return {"schema": {"$ref": SCHEMA_REF.format(model=name)}}


def _answer(status: int, model: type[BaseModel] | None, op: Operation) -> Document:
    answer: Document = {"description": "Done." if model is None else "The answer."}
    if model is not None:
        answer["content"] = {JSON_TYPE: _schema(model)}
        if op.streams and status < 300:  # noqa: PLR2004 - any success may stream
            answer["content"][EVENT_STREAM] = {"schema": {"type": "string"}}
    return answer


def _error_name(status: int) -> str:
    return f"Error{status}"


def _error_ref(status: int) -> Document:
    return {"$ref": f"#/components/responses/{_error_name(status)}"}


def _error(status: int) -> Document:
    error: Document = {
        "description": f"{ERRORS[status].title}.",
        "content": {PROBLEM_TYPE: _schema(Problem)},
    }
    if status in HEADERS:
        error["headers"] = {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in HEADERS[status].items()
        }
    return error
