"""Figures of this process, for Prometheus. No name of a label holds an id, and each few values.

Several processes of one gunicorn keep theirs in a folder, one file for each of the places that its
workers take in turn, so that counts outlive a worker and files do not pile up.
"""

import os
import time
from functools import cache
from types import TracebackType
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import event

from medical_ai.core.database import Database

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SLOT = "METRICS_SLOT"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNKNOWN = "other"

if FOLDER in os.environ:
    _slot = os.environ.get(SLOT) or str(os.getpid())
    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]  # the library's

_registry = CollectorRegistry()
REQUEST_SECONDS = Histogram(
    "medical_ai_http_request_seconds",
    "Time until an answer was ready, by template of the address.",
    ["route", "method", "status"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0),
    registry=_registry,
)
AUTHENTICATION_SECONDS = Histogram(
    "medical_ai_authentication_seconds",
    "Time it took to find out who is asking, by what they showed, and whether it held.",
    ["by", "outcome"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0),
    registry=_registry,
)
SIGN_IN_SECONDS = Histogram(
    "medical_ai_sign_in_seconds",
    "Time a sign-in took, by its step and how it ended.",
    ["step", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
    registry=_registry,
)
STREAMS = Gauge(
    "medical_ai_chat_streams",
    "Answers of the assistant that are being streamed.",
    multiprocess_mode="livesum",
    registry=_registry,
)
CONNECTIONS = Gauge(
    "medical_ai_database_connections_in_use",
    "Connections that the pools have lent out.",
    multiprocess_mode="livesum",
    registry=_registry,
)


def install_metrics(app: Flask, database: Database) -> None:
    """Measure every request, from before anything else looks at it until all have."""
    app.before_request(_start)
    app.after_request(_observe)
    event.listen(database.engine, "checkout", lambda *_: CONNECTIONS.inc())
    event.listen(database.engine, "checkin", lambda *_: CONNECTIONS.dec())


def render_metrics() -> bytes:
    """Return the figures of all processes that share the folder, or of this one."""
    if FOLDER not in os.environ:
        return generate_latest(_registry)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # the library's
    return generate_latest(together)


def seconds_since_start() -> float:
    """Return how long this request has taken until now."""
    return time.perf_counter() - float(g.get("started_at", time.perf_counter()))


class authenticating:
    """Measure a block that finds out who is asking; `failures` are how it says that it cannot."""

    __slots__ = ("_by", "_failures", "_started_at")

    def __init__(self, by: str, failures: type[BaseException]) -> None:
        self._by, self._failures = by, failures
        self._started_at = 0.0

    def __enter__(self) -> None:
        self._started_at = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is None or issubclass(kind, self._failures):
            outcome = "ok" if kind is None else "failed"
            _authentications(self._by, outcome).observe(time.perf_counter() - self._started_at)


def _start() -> None:
    g.started_at = time.perf_counter()


def _observe(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule is not None else UNKNOWN
    method = request.method if request.method in METHODS else UNKNOWN
    _requests(route, method, response.status_code // 100).observe(seconds_since_start())
    return response


@cache
def _requests(route: str, method: str, status_class: int) -> Any:
    return REQUEST_SECONDS.labels(route, method, f"{status_class}xx")


@cache
def _authentications(by: str, outcome: str) -> Any:
    return AUTHENTICATION_SECONDS.labels(by, outcome)
