"""What one HTTP request has: an id, a session, an actor, and one commit at its edge."""

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.orm import Session

from medical_ai.core.actor import Actor
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, kept_rows
from medical_ai.core.errors import DomainError, Unauthenticated
from medical_ai.core.ids import new_id

REQUEST_ID = re.compile(r"^[A-Za-z0-9_-]{8,64}$")

P = ParamSpec("P")
R = TypeVar("R")


def current_database() -> Database:
    """Return the database of the running application."""
    return cast(Database, current_app.extensions["medical_ai.database"])


def current_settings() -> Settings:
    """Return the settings of the running application."""
    return current_database().settings


def current_session() -> Session:
    """Return this request's session, opened at first use; a writer's view opens it to write."""
    if "session" not in g:
        view = current_app.view_functions[request.endpoint or ""]
        g.session = current_database().open_session(writes=getattr(view, "writes", False))
    return cast(Session, g.session)


def current_actor() -> Actor:
    """Return who is asking. Raises Unauthenticated where the endpoint is public and nobody is."""
    actor = g.get("actor")
    if actor is None:
        raise Unauthenticated
    return cast(Actor, actor)


def current_request_id() -> str:
    """Return the id that ties this request's answer, errors and log lines together."""
    return cast(str, g.get("request_id", ""))


def commits(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a view as a writer and commit once when it returns.

    A view that raises commits nothing, except for refusals that are themselves worth keeping
    (see `DomainError.keeps_work`).
    """

    @wraps(view)
    def committing(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            result = view(*args, **kwargs)
        except DomainError as error:
            if error.keeps_work:
                current_session().commit()
            raise
        current_session().commit()
        return result

    committing.writes = True  # type: ignore[attr-defined]  # read by current_session and a test
    return committing


def install_request_context(app: Flask, database: Database) -> None:
    """Give every request its id and close its session when it is over."""
    app.extensions["medical_ai.database"] = database
    app.before_request(_name_request)
    app.after_request(_say_request_id)
    app.teardown_request(_close_session)


def _name_request() -> None:
    offered = request.headers.get("X-Request-Id", "")
    g.request_id = offered if REQUEST_ID.match(offered) else new_id().hex
    # The address is for the audit log; the list of log fields does not let it through.
    structlog.contextvars.bind_contextvars(
        request_id=g.request_id, address=(request.remote_addr or "")[:45]
    )


def _say_request_id(response: Response) -> Response:
    response.headers["X-Request-Id"] = current_request_id()
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def release_session() -> None:
    """Give this request's session back early, before work that opens its own.

    A request that held on to it would wait for itself on SQLite's write lock, or hold two
    connections of the pool at once. What was kept apart from it is stored.
    """
    session = g.pop("session", None)
    if session is not None:
        session.close()
        current_database().store(kept_rows(session))


def renewed_session() -> Session:
    """Return a session that holds nothing yet, for a service whose slow part must hold nothing."""
    release_session()
    return current_session()


def _close_session(_error: BaseException | None) -> None:
    release_session()
