"""The one decorator every JSON endpoint wears.

It checks the permission, reads query and body into pydantic models, turns the answer into JSON,
commits once on writers, and keeps what the OpenAPI document needs. Authentication has happened
before it, in the guard, so that nobody learns a schema from an error without signing in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from medical_ai.core.errors import FieldProblem, InvalidInput, Malformed, UnsupportedMedia
from medical_ai.core.http import commits, current_actor
from medical_ai.core.schemas import FieldInvalid

Model = TypeVar("Model", bound=BaseModel)
JSON_TYPE = "application/json"
EVENT_STREAM = "text/event-stream"
NO_CONTENT = 204

# pydantic's own sentences that never quote the value.
QUOTE_FREE = frozenset(
    {
        "missing", "string_type", "string_too_short", "string_too_long", "int_type", "bool_type",
        "float_type", "list_type", "dict_type", "too_short", "too_long", "uuid_type",
        "greater_than", "greater_than_equal", "less_than", "less_than_equal", "enum",
        "literal_error", "int_parsing", "bool_parsing", "datetime_type", "date_type", "time_type",
    }
)  # fmt: skip
PLAIN_SENTENCES = {
    "extra_forbidden": "There is a field here that is not known.",
    "string_pattern_mismatch": "This text has characters or a form that are not accepted.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What the OpenAPI document says of one endpoint beside its path and docstring."""

    permission: str | None
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answers: dict[int, type[BaseModel] | None]
    errors: tuple[int, ...]
    streams: bool


def api(
    *,
    answers: dict[int, type[BaseModel] | None],
    permission: str | None = None,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    errors: Sequence[int] = (),
    writes: bool = False,
    streams: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Make a view a JSON endpoint.

    `answers` maps a status to the model it carries; the first is what a plain return gets. The
    view receives `body` and `query` as keyword arguments where they are declared, and returns a
    model, an ORM object the model can read, or a finished Response.
    """
    status, shape = next(iter(answers.items()))

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def endpoint(**arguments: Any) -> Response:
            if permission is not None:
                current_actor().require(permission)
            if query is not None:
                arguments["query"] = read_query(query)
            if body is not None:
                arguments["body"] = read_body(body)
            return to_response(view(**arguments), status, shape)

        answer = commits(endpoint) if writes else endpoint
        answer.operation = Operation(  # type: ignore[attr-defined]  # read by core.openapi
            permission, body, query, answers, tuple(errors), streams
        )
        return answer

    return decorate


def to_response(result: Any, status: int, shape: type[BaseModel] | None) -> Response:
    """Write what a view returned as JSON; None becomes an empty answer."""
    if isinstance(result, Response):
        return result
    if shape is None or result is None:
        return Response(status=NO_CONTENT)
    model = result if isinstance(result, BaseModel) else shape.model_validate(result)
    return Response(model.model_dump_json(exclude_unset=False), status, mimetype=JSON_TYPE)


def read_body(shape: type[Model]) -> Model:
    """Read the JSON body. Raises UnsupportedMedia, Malformed or InvalidInput."""
    # The exact type matters: text/plain or form bodies travel cross-site without a preflight.
    if request.mimetype != JSON_TYPE:
        raise UnsupportedMedia("Send application/json.")
    try:
        return shape.model_validate_json(request.get_data())
    except ValidationError as error:
        raise _refusal(error) from None


def read_query(shape: type[Model]) -> Model:
    """Read the query string; a repeated name is refused. Raises InvalidInput."""
    names = list(request.args)
    repeated = [name for name in names if len(request.args.getlist(name)) > 1]
    if repeated:
        raise InvalidInput(fields=(FieldProblem("query", "A name is given more than once."),))
    try:
        return shape.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Malformed | InvalidInput:
    problems = error.errors(include_url=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in problems):
        return Malformed("The body is not valid JSON.")
    return InvalidInput(fields=tuple(field_problem(item) for item in problems[:20]))


def field_problem(item: ErrorDetails) -> FieldProblem:
    """Say what is wrong with one field without repeating what was sent."""
    kind, path = item["type"], list(item["loc"])
    if kind == "extra_forbidden":
        path = path[:-1]  # the unknown name itself is the caller's text
    raised = item.get("ctx", {}).get("error")
    if isinstance(raised, FieldInvalid):
        message = str(raised)
    elif kind in QUOTE_FREE:
        message = item["msg"]
    else:
        message = PLAIN_SENTENCES.get(kind, "This value is not accepted.")
    return FieldProblem(".".join(map(str, path)) or "body", message)
