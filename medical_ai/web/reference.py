"""The API description as a page reads it: the OpenAPI document, flattened. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of what is sent or answered."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent or answered: its name and its fields."""

    name: str
    fields: list[FieldRow]


@dataclass(frozen=True, slots=True)
class Answer:
    """One status an operation may answer with."""

    status: str
    about: str
    body: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    anchor: str
    method: str
    path: str
    summary: str
    about: str
    is_public: bool
    parameters: list[FieldRow]
    body: Body | None
    answers: list[Answer]


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one domain."""

    name: str
    entries: list[Entry]


def groups_of(document: Document) -> list[Group]:
    """Return the operations by domain, in the document's order."""
    groups: dict[str, Group] = {tag["name"]: Group(tag["name"], []) for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                entry = _entry(document, path, method, operation)
                groups[operation["tags"][0]].entries.append(entry)
    return list(groups.values())


def shapes_of(document: Document) -> list[Body]:
    """Return every shape there is, in alphabetical order."""
    return [_body(document, name) for name in sorted(document["components"]["schemas"])]


def _entry(document: Document, path: str, method: str, operation: Document) -> Entry:
    sent = operation.get("requestBody", {}).get("content", {})
    return Entry(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        about=operation["description"],
        is_public=not operation["security"],
        parameters=[
            FieldRow(one["name"], _kind(one["schema"]), one["required"], _about(one))
            for one in operation["parameters"]
        ],
        body=next((_body(document, _named(one["schema"])) for one in sent.values()), None),
        answers=list(_answers(document, operation)),
    )


def _answers(document: Document, operation: Document) -> Iterator[Answer]:
    for status, answer in sorted(operation["responses"].items()):
        found = answer
        if "$ref" in answer:
            found = document["components"]["responses"][answer["$ref"].rsplit("/", 1)[-1]]
        shapes = [_kind(one["schema"]) for one in found.get("content", {}).values()]
        yield Answer(status, found["description"], shapes[0] if shapes else "")


def _body(document: Document, name: str) -> Body:
    schema = document["components"]["schemas"].get(name, {})
    required = set(schema.get("required", ()))
    rows = [
        FieldRow(field, _kind(about), field in required, _about(about))
        for field, about in schema.get("properties", {}).items()
    ]
    return Body(name, rows)


def _named(schema: Document) -> str:
    return str(schema.get("$ref", "")).rsplit("/", 1)[-1]


def _kind(schema: Document) -> str:
    if "$ref" in schema:
        return _named(schema)
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " | ".join(str(one) for one in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _about(schema: Document) -> str:
    return str(schema.get("description", ""))
