"""The generated pages of `docs/`: settings, tables, endpoints and who sees what.

`make docs` runs this module by itself, with throw-away secrets, so a fresh clone needs no
configuration. The same command can be added to `flask --app app`. No page shows a value that is
set on this machine: only names, defaults and limits that stand in the code.
"""

import base64
import inspect
import os
import re
import secrets
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, cast, get_args, get_origin

import click
from flask import current_app
from flask.cli import ScriptInfo, with_appcontext
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Enum,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from medical_ai.core.config import SIGNING_SECRETS, Settings
from medical_ai.core.database import Base, UTCDateTime
from medical_ai.migrations import import_models
from medical_ai.ops.redaction_page import redaction_parts

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
NOTE = "<!-- Written by `make docs` from the code. Change the code, then write it again. -->"

Document = dict[str, Any]

SETTING_KINDS = {
    bool: "true or false",
    str: "text",
    int: "whole number",
    float: "number",
    Path: "path",
    SecretStr: "secret text",  # pragma: allowlist secret - a kind
}
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
GROUP_OR_FIELD = re.compile(r"^ {4}# -- (?P<group>.+)$|^ {4}(?P<field>[a-z_]+): ", re.MULTILINE)
OUTSIDE_VARIABLE = re.compile(r'environ\.get\(["\'](?P<name>[A-Z_]+)')
ABOUT_SETTINGS = """
Every setting of the application. Set it in the environment, or in the `.env` file of the folder
the application is started in (`ENV_FILE` names another file). `.env.template` is a copy to begin
with. An empty value counts as not set.

A value can also come from a file: `JWT_SECRET_FILE=/run/credentials/jwt` sets `JWT_SECRET` to what
that file holds, without its last newline. This works for every setting and suits systemd's
`LoadCredential=` and container secrets. The `…_FILE` name must be in the environment itself: in
`.env` it is not looked for. The environment goes before a named file, and that before `.env`.

The application refuses to start on settings that would be unsafe. It then names the variable and
never shows its value.
"""
ABOUT_GUNICORN = """
Gunicorn is configured apart, in `gunicorn_config.py`. It reads these from the environment alone,
never from `.env`:
"""

TABLE_KINDS: tuple[tuple[type[Any], str, str], ...] = (
    (UTCDateTime, "moment", "moment in UTC"),
    (Uuid, "uuid", "uuid"),
    (String, "text", "text"),
    (LargeBinary, "bytes", "bytes"),
    (Boolean, "boolean", "boolean"),
    (Integer, "integer", "integer"),
    (Float, "float", "float"),
    (Date, "date", "date"),
    (JSON, "json", "json"),
)
TENANT_COLUMN = "hospital_id"
ABOUT_TABLES = """
Every table, by the package that owns it. Ids are UUIDv7, so they sort by the time they were made.
Moments are stored in UTC with microseconds. Columns that end in `_sealed` hold encrypted bytes:
the patient's data key opens them, and the key ring opens that key. The key ring itself opens what
belongs to no patient.

The diagram shows tables that point at one another, by their keys alone. Nearly every table also
points at `hospitals` by its `hospital_id`; those lines are left out.
"""

METHODS = ("get", "post", "put", "patch", "delete")
ABOUT_API = """
What a running installation answers, from the same OpenAPI 3.1 document it serves at
`/openapi.json`; `/docs` shows it in a browser.

Send and expect `application/json`. An access token goes into the header
`Authorization: Bearer …`; cookies never open these addresses. Errors are RFC 9457 problem details
(`application/problem+json`) and never repeat what was sent. Lists are `{"items": […], "next": …}`.
"""
SCHEMA_LIMITS = {
    "minLength": "length ≥ {}",
    "maxLength": "length ≤ {}",
    "minItems": "items ≥ {}",
    "maxItems": "items ≤ {}",
    "minimum": "≥ {}",
    "maximum": "≤ {}",
}


@click.command("docs", help="Write the generated pages of docs/.")
@click.option("--check", is_flag=True, help="Write nothing; fail where a page is out of date.")
@with_appcontext
def documentation_command(check: bool) -> None:
    """Write the pages, or say which of them differ from the code."""
    pages = {
        "configuration.md": configuration_page(),
        "data-model.md": data_model_page(),
        "redaction.md": _page(redaction_parts(NOTE, _table)),
        "api.md": api_page(current_app.extensions["medical_ai.openapi"]),
    }
    stale = [name for name, text in pages.items() if _read(name) != text]
    if check:
        for name in stale:
            click.echo(f"docs/{name} is out of date: run make docs", err=True)
        sys.exit(1 if stale else 0)
    (ROOT / "docs").mkdir(exist_ok=True)
    for name in stale:
        (ROOT / "docs" / name).write_text(pages[name], encoding="utf-8")
        click.echo(f"wrote docs/{name}")


def main() -> None:
    """Run the command with an application of its own that no configuration of ours reaches."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
        os.environ.pop(f"{name.upper()}_FILE", None)
    os.environ |= {name.upper(): secrets.token_urlsafe(48) for name in SIGNING_SECRETS}
    os.environ |= {
        "ENV_FILE": os.devnull,
        "PRODUCTION": "false",
        "ENCRYPTION_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    documentation_command.main(obj=ScriptInfo(str(ROOT / "app.py")))


def configuration_page() -> str:
    """Return the page of all settings, grouped as they stand in the code."""
    parts = ["# Configuration", NOTE, ABOUT_SETTINGS.strip()]
    for group, names in _setting_groups().items():
        rows = [_setting_row(name, Settings.model_fields[name]) for name in names]
        head = ("Name", "Kind", "Default", "Limits", "What it is")
        parts += [f"## {group}", _table(head, rows)]
    found = OUTSIDE_VARIABLE.findall((ROOT / "gunicorn_config.py").read_text(encoding="utf-8"))
    outside = "\n".join(f"- `{name}`" for name in dict.fromkeys(found))
    return _page([*parts, "## The web server", ABOUT_GUNICORN.strip(), outside])


def _setting_groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    members: list[str] = []
    for match in GROUP_OR_FIELD.finditer(inspect.getsource(Settings)):
        if match["group"]:
            members = groups.setdefault(match["group"], [])
        elif match["field"] in Settings.model_fields:
            members.append(match["field"])
    return groups


def _setting_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    limits = [
        f"{words} {getattr(bound, sign)}"
        for bound in field.metadata
        for sign, words in BOUNDS.items()
        if hasattr(bound, sign)
    ]
    default = _setting_default(field.default)
    kind = _setting_kind(field.annotation)
    return f"`{name.upper()}`", kind, default, ", ".join(limits), field.description or ""


def _setting_kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(annotation))
    kinds = get_args(annotation) or (annotation,)
    return " or ".join(SETTING_KINDS[kind] for kind in kinds if kind is not NoneType)


def _setting_default(default: Any) -> str:
    if isinstance(default, SecretStr):
        return "not shown" if default.get_secret_value() else ""
    if default is None or default == "":
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def data_model_page() -> str:
    """Return the page of all tables, by package, with a diagram of their keys."""
    import_models()
    models = sorted(
        (mapper.class_ for mapper in Base.registry.mappers),
        key=lambda model: (_package_of(model), model.__tablename__),
    )
    parts = ["# Data model", NOTE, ABOUT_TABLES.strip(), _diagram(map(_table_of, models))]
    package = ""
    for model in models:
        if _package_of(model) != package:
            package = _package_of(model)
            parts.append(f"## {package}")
        parts += _describe_table(_table_of(model), inspect.getdoc(model) or "")
    return _page(parts)


def _package_of(model: type[Base]) -> str:
    return model.__module__.split(".")[1]


def _table_of(model: type[Base]) -> Table:
    return cast(Table, model.__table__)


def _describe_table(table: Table, about: str) -> list[str]:
    rows = [
        (f"`{column.name}`", _column_kind(column), "yes" if column.nullable else "", _keys(column))
        for column in table.columns
    ]
    indices = "\n".join(_indices(table))
    parts = [f"### {table.name}", *about.split("\n\n")]
    return [*parts, _table(("Column", "Type", "May be null", "Key"), rows), indices]


def _column_kind(column: Column[Any]) -> str:
    if isinstance(column.type, Enum):
        return "one of " + ", ".join(f"`{choice}`" for choice in column.type.enums)
    words = next(words for kind, _, words in TABLE_KINDS if isinstance(column.type, kind))
    length = getattr(column.type, "length", None)
    return f"{words}, at most {length}" if length else words


def _keys(column: Column[Any]) -> str:
    keys = ["primary"] if column.primary_key else []
    for key in column.foreign_keys:
        then = f", on delete {key.ondelete.lower()}" if key.ondelete else ""
        keys.append(f"→ `{key.target_fullname}`{then}")
    return "; ".join(keys)


def _indices(table: Table) -> Iterator[str]:
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    for constraint in sorted(unique, key=lambda one: str(one.name)):
        yield f"- unique: {_named(constraint.columns)}"
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        yield f"- index: {_named(index.columns)}"


def _named(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f"`{column.name}`" for column in columns)


def _diagram(tables: Iterable[Table]) -> str:
    keys = [
        (column, key.column.table)
        for table in tables
        for column in _shown_keys(table)
        for key in column.foreign_keys
    ]
    shown = {table.name: table for column, parent in keys for table in (column.table, parent)}
    entities = [line for _, table in sorted(shown.items()) for line in _entity(table)]
    relations = [_relation(column, parent) for column, parent in keys]
    return "\n".join(["```mermaid", "erDiagram", *entities, *relations, "```"])


def _shown_keys(table: Table) -> list[Column[Any]]:
    keys = [column for column in table.columns if column.primary_key or column.foreign_keys]
    return [column for column in keys if column.name != TENANT_COLUMN]


def _entity(table: Table) -> Iterator[str]:
    yield f"  {table.name} {{"
    for column in _shown_keys(table):
        word = next(word for kind, word, _ in TABLE_KINDS if isinstance(column.type, kind))
        yield f"    {word} {column.name} {'PK' if column.primary_key else 'FK'}"
    yield "  }"


def _relation(column: Column[Any], parent: Table) -> str:
    one = "|o" if column.nullable else "||"
    many = "o|" if column.unique else "o{"
    return f"  {parent.name} {one}--{many} {column.table.name} : {column.name}"


def api_page(document: Document) -> str:
    """Return the page of all operations, and of the shapes they take and give."""
    parts = ["# API", NOTE, ABOUT_API.strip()]
    for tag in document["tags"]:
        found = list(_operations(document, tag["name"]))
        rows = [
            (f"`{name}`", one["summary"], "bearer" if one["security"] else "none")
            for name, one in found
        ]
        parts += [f"## {tag['name']}", _table(("Operation", "What", "Token"), rows)]
        for name, one in found:
            parts += _describe_operation(name, one)
    parts.append("## Shapes")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts += _describe_shape(name, schema)
    return _page(parts)


def _operations(document: Document, tag: str) -> Iterator[tuple[str, Document]]:
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations and tag in operations[method]["tags"]:
                yield f"{method.upper()} {path}", operations[method]


def _describe_operation(name: str, operation: Document) -> list[str]:
    parts = [f"### {name}", operation["description"]]
    rows = [
        (f"`{one['name']}`", one["in"], _schema_kind(one["schema"]), _about(one))
        for one in operation["parameters"]
    ]
    if rows:
        parts.append(_table(("Parameter", "In", "Kind", "What it is"), rows))
    if "requestBody" in operation:
        parts.append(f"Send: {_content(operation['requestBody'])}.")
    answers = [
        f"`{status}` {_content(answer) or 'nothing'}"
        for status, answer in operation["responses"].items()
        if "$ref" not in answer
    ]
    refused = [f"`{code}`" for code, one in operation["responses"].items() if "$ref" in one]
    return [*parts, f"Answers: {'; '.join(answers)}. Refusals: {', '.join(refused)}."]


def _content(carrier: Document) -> str:
    found = {_schema_kind(one["schema"]): kind for kind, one in carrier.get("content", {}).items()}
    return " or ".join(f"{shape} (`{kind}`)" for shape, kind in found.items())


def _describe_shape(name: str, schema: Document) -> list[str]:
    required = schema.get("required", ())
    rows = [
        (f"`{field}`", _schema_kind(about), "yes" if field in required else "", _about(about))
        for field, about in schema.get("properties", {}).items()
    ]
    about = " ".join(schema.get("description", "").split())
    head = ("Field", "Kind", "Required", "What it is")
    return [f"### {name}", about, _table(head, rows) if rows else _schema_kind(schema)]


def _schema_kind(schema: Document) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_schema_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        choices = schema.get("enum", [schema.get("const")])
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    kind = schema.get("format") or schema.get("type", "anything")
    return f"list of {_schema_kind(schema['items'])}" if kind == "array" else str(kind)


def _about(schema: Document) -> str:
    limits = [words.format(schema[key]) for key, words in SCHEMA_LIMITS.items() if key in schema]
    return "; ".join([part for part in (schema.get("description", ""), ", ".join(limits)) if part])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([" ".join(cell.split()).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(_wrap(part) for part in parts if part) + "\n"


def _wrap(part: str) -> str:
    # Only prose of one line grows too long; everything else has its lines already.
    if "\n" in part or part.startswith(("#", "|", "- ", "<")):
        return part
    return textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False)


def _read(name: str) -> str | None:
    page = ROOT / "docs" / name
    return page.read_text(encoding="utf-8") if page.exists() else None


if __name__ == "__main__":
    main()
