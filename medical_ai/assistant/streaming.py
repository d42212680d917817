"""One turn as server-sent events: the work in a thread, its events through a queue.

The queue lets a heartbeat go out while a stage is slow, and lets a client that hung up stop the
work. Streams are bounded, because each holds a thread of the server for as long as it lasts.
"""

import contextvars
import queue
import threading
from collections.abc import Generator, Iterator
from functools import cache
from typing import Any

from flask import Response, json
from pydantic import TypeAdapter
from sqlalchemy.exc import SQLAlchemyError

from medical_ai.assistant import service
from medical_ai.assistant.schemas import ChatQuestion
from medical_ai.core.actor import Actor
from medical_ai.core.api import EVENT_STREAM
from medical_ai.core.database import Database
from medical_ai.core.errors import DomainError, TooManyRequests, UpstreamUnavailable
from medical_ai.core.http import current_request_id
from medical_ai.core.logging import get_logger
from medical_ai.core.metrics import STREAMS

HEARTBEAT_SECONDS = 5.0
_JSON: TypeAdapter[Any] = TypeAdapter(Any)


def stream_answer(database: Database, *, actor: Actor, question: ChatQuestion) -> Response:
    """Return a response that streams the turn. Raises TooManyRequests when too many run."""
    slots = _slots(database.settings.chat_streams_at_once)
    if not slots.acquire(blocking=False):
        raise TooManyRequests("Many answers are being written. Try again.", retry_after_seconds=2)
    STREAMS.inc()
    stream = _Stream(database, actor, question, slots, current_request_id())
    response = Response(
        stream.events(),
        mimetype=EVENT_STREAM,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
    # Called however the response ends, even when not one event of it was asked for.
    response.call_on_close(stream.close)
    return response


@cache
def _slots(at_once: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(at_once)


class _Stream:
    """The two ends of one stream: a worker that puts events, a response that takes them."""

    def __init__(
        self,
        database: Database,
        actor: Actor,
        question: ChatQuestion,
        slots: threading.BoundedSemaphore,
        request_id: str,
    ) -> None:
        self._database, self._actor, self._question = database, actor, question
        self._slots, self._request_id = slots, request_id
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._gone = threading.Event()

    def events(self) -> Iterator[str]:
        """Yield the events as text, with a heartbeat while nothing happens."""
        limit = self._database.settings.chat_timeout_seconds
        context = contextvars.copy_context()  # the request's id goes with the work
        worker = threading.Thread(target=context.run, args=(self._work,), daemon=True)
        worker.start()
        for _ in range(max(1, int(limit / HEARTBEAT_SECONDS)) + 1):
            if (yield from self._drain()):
                return
            yield ": still here\n\n"
        yield self._failure(UpstreamUnavailable("This took too long. Please ask again."))

    def close(self) -> None:
        """Stop the work and make room for another stream."""
        self._gone.set()
        self._slots.release()
        STREAMS.dec()

    def _drain(self) -> Generator[str, None, bool]:
        """Yield what comes; return whether that was all, or only a long silence."""
        while True:
            try:
                event = self._queue.get(timeout=HEARTBEAT_SECONDS)
            except queue.Empty:
                return False
            if event is None:
                return True
            yield event

    def _work(self) -> None:
        try:
            service.ask(
                self._database,
                actor=self._actor,
                question=self._question,
                emit=self._emit,
                cancelled=self._gone,
            )
        except service.Cancelled:
            pass  # nobody is listening any more
        except DomainError as error:
            self._queue.put(self._failure(error))
        except SQLAlchemyError as error:
            get_logger().error("chat.failed", exc_info=error, request_id=self._request_id)
            self._queue.put(self._failure(UpstreamUnavailable()))
        except Exception as error:
            get_logger().error("chat.failed", exc_info=error, request_id=self._request_id)
            self._queue.put(self._failure(DomainError()))
        finally:
            self._queue.put(None)

    def _emit(self, name: str, data: Any) -> None:
        if self._gone.is_set():
            raise service.Cancelled
        self._queue.put(_event(name, _JSON.dump_json(data).decode()))

    def _failure(self, error: DomainError) -> str:
        problem = {
            "type": f"urn:medical-ai:problem:{error.slug}",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "request_id": self._request_id,
        }
        return _event("error", json.dumps(problem))


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
