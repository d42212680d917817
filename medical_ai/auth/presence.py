"""Noting that a session or a token is in use, without making a reader write.

A use is stored when the request's own transaction is over, in one of its own, and at most once a
minute. What an open page asks for by itself is no use: otherwise a screen that somebody left would
stay signed in for ever.
"""

from collections.abc import Callable

from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from medical_ai.core.http import current_database
from medical_ai.core.logging import get_logger

BACKGROUND_ENDPOINTS = frozenset({"web.today_notices", "auth_sessions.session_left"})
"""What an open page asks for by itself."""


def is_use() -> bool:
    """Tell whether this request shows that somebody is there."""
    return request.endpoint not in BACKGROUND_ENDPOINTS


def note_use(store: Callable[[Session], None]) -> None:
    """Have a use stored after this request."""
    g.use_to_store = store


def store_use(response: Response) -> Response:
    """Store the use that this request noted, if it noted one."""
    store = g.pop("use_to_store", None)
    if store is not None:
        try:
            with current_database().unit_of_work() as session:
                store(session)
        except SQLAlchemyError as error:  # the answer stands, and the next request notes it
            get_logger().warning("session.use-not-noted", exc_info=error)
    return response
