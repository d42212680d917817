"""Structured logs that cannot carry a record's content.

An event is a name and fields from an allow-list; everything else is dropped, and an exception is
logged as its type and place, because its message may quote what a patient wrote.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import Processor

from medical_ai.core.config import Settings

ALLOWED_FIELDS = frozenset(
    {
        "event", "level", "timestamp", "logger", "request_id", "process",
        "user_id", "tenant_id", "patient_id", "subject_id", "job_id", "dose_id", "job_kind",
        "endpoint", "method", "status", "elapsed_ms", "attempt", "count", "channel", "answer_code",
        "error_type", "error_place", "lateness_seconds", "worker", "revision", "tool", "rule",
        "host", "port", "path",
    }
)  # fmt: skip
MAX_VALUE_CHARACTERS = 200

Event = MutableMapping[str, Any]


def configure_logging(settings: Settings, *, process: str) -> None:
    """Send structlog and the standard library's loggers through the same allow-list."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_exceptions,
        _keep_allowed,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelName(settings.log_level)
        ),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_forget_arguments, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # The ticker runs every second: its routine is not news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(process=process)


def get_logger() -> Any:
    """Return the logger for events: `get_logger().info("dose.sent", dose_id=…)`."""
    return structlog.get_logger()


def place_of(trace: TracebackType | None) -> str:
    """Return `file:line` of the innermost frame of a traceback."""
    frames = traceback.extract_tb(trace)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _forget_arguments(_logger: Any, _name: str, event: Event) -> Event:
    # Another library's record: its template is code, its arguments may be anything.
    record: logging.LogRecord = event["_record"]
    event["event"] = str(record.msg) if record.args else record.name
    event["logger"] = record.name
    if not record.args and record.name.startswith(("gunicorn", "medical_ai")):
        event["event"] = str(record.msg)
    if record.exc_info:
        event["exc_info"] = record.exc_info
    return event


def _name_exceptions(_logger: Any, _name: str, event: Event) -> Event:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        event["error_type"] = info[0].__qualname__
        event["error_place"] = place_of(info[2])
    return event


def _keep_allowed(_logger: Any, _name: str, event: Event) -> Event:
    kept: Event = {}
    for key, value in event.items():
        if key in ALLOWED_FIELDS:
            plain = value if isinstance(value, int | float | bool | None) else str(value)
            kept[key] = plain[:MAX_VALUE_CHARACTERS] if isinstance(plain, str) else plain
        elif key.startswith("_"):  # structlog's own bookkeeping, removed before rendering
            kept[key] = value
    return kept
