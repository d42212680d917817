"""Forms of pages: from what was typed to a checked value, or back to the form with the reasons.

A browser sends text, so reading is lenient about types where JSON is strict; the rules are those
of the same pydantic shapes.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Response, make_response, render_template
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from medical_ai.core.api import field_problem
from medical_ai.core.errors import DomainError, FieldProblem, InvalidInput
from medical_ai.core.http import current_session
from medical_ai.core.problems import headers_of
from medical_ai.core.schemas import FieldInvalid

Shape = TypeVar("Shape", bound=BaseModel)
WHOLE_FORM = "body"
LOCAL_PAGE = re.compile(r"/app(?:/[A-Za-z0-9_-]+)+(?:\?[A-Za-z0-9_=&%.-]*)?")


def read_form(
    shape: type[Shape], values: Mapping[str, Any], *, sentences: Mapping[str, str]
) -> Shape:
    """Check what was typed.

    `sentences` says for a field what is wanted, in words for a patient; a validator's own message
    goes before it. Raises InvalidInput with one problem for each field.
    """
    try:
        return shape.model_validate(values, strict=False)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = {one.loc: one for one in (_problem(item, sentences) for item in found)}
        raise InvalidInput(fields=tuple(problems.values())) from None


def _problem(item: ErrorDetails, sentences: Mapping[str, str]) -> FieldProblem:
    problem = field_problem(item)
    if isinstance(item.get("ctx", {}).get("error"), FieldInvalid):
        return problem
    return FieldProblem(problem.loc, sentences.get(problem.loc, problem.message))


def form_again(template: str, error: DomainError, **context: Any) -> Response:
    """Show a form again with what is wrong; nothing the view did is kept.

    The template gets `error`, the sentence for the whole form (empty where fields say it all),
    and `problems`, a sentence by field.
    """
    if not error.keeps_work:
        current_session().rollback()
    problems = {one.loc: one.message for one in error.fields}
    whole = problems.pop(WHOLE_FORM, "" if problems else _spoken(error))
    page = render_template(template, error=whole, problems=problems, **context)
    response = make_response(page, error.status)
    response.headers.update(headers_of(error))
    return response


def _spoken(error: DomainError) -> str:
    seconds = error.retry_after_seconds
    if seconds is None:
        return error.detail
    return f"{error.detail} You can try again in {seconds} second{'' if seconds == 1 else 's'}."


def local_page(address: str | None, *, otherwise: str) -> str:
    """Return an address of ours to go on to.

    Anything that is not plainly one of our own pages is dropped: a link that signs people in
    must not send them to somebody else's site.
    """
    return address if address and LOCAL_PAGE.fullmatch(address) else otherwise
