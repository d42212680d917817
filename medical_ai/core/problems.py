"""Every error leaves through here: RFC 9457 problem+json for the API, a page for a browser.

Nothing the caller sent is repeated, and an unexpected error tells only its request id.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, json, request
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from medical_ai.core.errors import DomainError, TooManyRequests, UpstreamUnavailable
from medical_ai.core.events import AccessRefused, publish
from medical_ai.core.http import current_request_id, current_session, release_session
from medical_ai.core.logging import get_logger

PROBLEM_TYPE = "application/problem+json"
DETAILS = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not answer that method.",
    413: "The request is larger than is accepted.",
    415: "This kind of content is not accepted here.",
}


class FieldError(BaseModel):
    """One field and what is wrong with it."""

    loc: str = Field(description="Path of the field, such as `schedules.0.times`.")
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="A name for the kind of problem.")
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None
    next_allowed_at: str | None = None


MET = "Another change was being made at the same moment. Nothing was changed; please try again."
UNRECORDED = "This could not be recorded, so it was not shown. Please try again."
AWAY = "The database cannot be reached. Nothing was changed."
UNSURE = "The database did not answer. What you sent may not be saved: look before you try again."
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFUSALS = frozenset({403, 404})
LOCK_CONFLICTS = frozenset({1205, 1213})
"""MariaDB's error numbers of a lock waited for too long, and of a deadlock."""

PageRenderer = Callable[[Problem], str]


def install_problems(app: Flask, render_page: PageRenderer) -> None:
    """Register the handlers; `render_page` draws a problem for a browser."""

    def answer(problem: Problem, headers: dict[str, str]) -> Response:
        if wants_page():
            return Response(render_page(problem), problem.status, headers, mimetype="text/html")
        body = json.dumps(problem.model_dump(exclude_none=True))
        return Response(body, problem.status, headers, mimetype=PROBLEM_TYPE)

    def domain(error: DomainError) -> Response:
        _tell_refusal(error)
        return answer(problem_of(error), headers_of(error))

    def http(error: HTTPException) -> Response:
        return answer(*_describe_http(error))

    def database_away(error: DBAPIError | PoolTimeout) -> Response:
        get_logger().error("database.error", exc_info=error, endpoint=request.endpoint)
        if is_lock_conflict(error):
            return domain(UpstreamUnavailable(MET, retry_after_seconds=1))
        if isinstance(error, OperationalError | PoolTimeout) or error.connection_invalidated:
            return domain(UpstreamUnavailable(_outcome(error), retry_after_seconds=5))
        return unexpected(error)

    def unexpected(error: Exception) -> Response:
        get_logger().error("request.failed", exc_info=error, endpoint=request.endpoint)
        return domain(DomainError("This is our fault. Nothing more is known to you or us here."))

    app.after_request(_release)
    app.register_error_handler(DomainError, domain)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(DBAPIError, database_away)
    app.register_error_handler(PoolTimeout, database_away)
    app.register_error_handler(Exception, unexpected)


def _outcome(error: DBAPIError | PoolTimeout) -> str:
    # A connection that broke in the midst of a change may have carried it through: a database whose
    # disk is full, or that hangs, says nothing, and goes on when it can.
    is_broken = isinstance(error, DBAPIError) and error.connection_invalidated
    return UNSURE if is_broken and request.method not in SAFE_METHODS else AWAY


def _release(response: Response) -> Response:
    # Before the answer leaves: what would be seen without a trace is not shown.
    try:
        release_session()
    except SQLAlchemyError as error:
        get_logger().error("audit.not-stored", exc_info=error, endpoint=request.endpoint)
        away = UpstreamUnavailable(UNRECORDED, retry_after_seconds=5)
        return current_app.make_response(current_app.handle_user_exception(away))
    return response


def _tell_refusal(error: DomainError) -> None:
    actor = g.get("actor")
    if error.is_recorded or error.status not in REFUSALS:
        return
    if actor is not None and request.endpoint:
        subject = next((one for one in (request.view_args or {}).values()), None)
        publish(
            current_session(),
            AccessRefused(actor, request.endpoint, subject if isinstance(subject, UUID) else None),
        )


def _describe_http(error: HTTPException) -> tuple[Problem, dict[str, str]]:
    headers = {k: v for k, v in error.get_headers() if k in {"Allow", "Retry-After"}}
    status = error.code or 500
    if status == TooManyRequests.status:
        limited = TooManyRequests(retry_after_seconds=int(headers.get("Retry-After", 1)))
        return problem_of(limited), headers_of(limited)
    detail = DETAILS.get(status, "The request was not accepted.")
    return _problem(status, error.name, detail, f"http-{status}"), headers


def is_lock_conflict(error: DBAPIError | PoolTimeout) -> bool:
    """Tell whether MariaDB gave up a transaction because another held what it needed."""
    numbers = error.orig.args[:1] if isinstance(error, DBAPIError) and error.orig else ()
    return any(number in LOCK_CONFLICTS for number in numbers)


def wants_page() -> bool:
    """Tell whether a browser should see a page: on page addresses, and on unknown ones if asked."""
    if request.endpoint is not None:
        view = current_app.view_functions.get(request.endpoint)
        return getattr(view, "is_page", False)
    best = request.accept_mimetypes.best_match(["application/json", "text/html"])
    return best == "text/html"


def problem_of(error: DomainError) -> Problem:
    """Describe a domain error."""
    problem = _problem(error.status, error.title, error.detail, error.slug)
    extra: dict[str, Any] = {}
    if error.fields:
        extra["errors"] = [FieldError(loc=f.loc, message=f.message) for f in error.fields]
    return problem.model_copy(update=extra)


def headers_of(error: DomainError) -> dict[str, str]:
    """Return the headers RFC 9110 wants beside the status."""
    headers: dict[str, str] = {}
    if error.status == 401:  # noqa: PLR2004 - the status is the clearest name
        invalid = getattr(error, "invalid_token", False)
        headers["WWW-Authenticate"] = 'Bearer realm="medical-ai-assistant"' + (
            ', error="invalid_token"' if invalid else ""
        )
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


def _problem(status: int, title: str, detail: str, slug: str) -> Problem:
    return Problem(
        type=f"urn:medical-ai:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        request_id=current_request_id(),
    )
