"""Answers that are worth making once a second and giving to everybody who asks in that second.

Sits in front of the application, so that a monitor, or a thousand of them, costs next to nothing
and is answered even while every thread is busy. One asker makes the answer; the others get it, or
while it is being made, the one before.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

FRESH_SECONDS = 0.8
USABLE_SECONDS = 1.9

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WSGIApp = Callable[[Environ, StartResponse], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished response, and when it was made (monotonic seconds)."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes
    made_at: float


class MicroCache:
    """Keeps the answers to plain GET requests for the given paths for one second."""

    def __init__(self, app: WSGIApp, paths: frozenset[str]) -> None:
        self._app = app
        self._answers: dict[tuple[str, bool], Answer] = {}
        # One lock for each answer there can be: over https it carries one header more.
        self._locks = {(path, tls): threading.Lock() for path in paths for tls in (False, True)}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory where that is allowed; otherwise let the application answer."""
        tls = "https" in {environ["wsgi.url_scheme"], environ.get("HTTP_X_FORWARDED_PROTO")}
        key = (environ["PATH_INFO"], tls)
        lock = self._locks.get(key)
        if lock is None or environ["REQUEST_METHOD"] != "GET" or "HTTP_ORIGIN" in environ:
            return self._app(environ, start_response)
        answer = self._current(key, lock, environ)
        start_response(answer.status, list(answer.headers))
        return [answer.body]

    def _current(self, key: tuple[str, bool], lock: threading.Lock, environ: Environ) -> Answer:
        last = self._answers.get(key)
        if last is not None and time.monotonic() - last.made_at < FRESH_SECONDS:
            return last
        # Whoever asks first waits for an answer; later ones take the last while one is made,
        # unless nobody asked for so long that it tells nothing of the present.
        is_usable = last is not None and time.monotonic() - last.made_at < USABLE_SECONDS
        if not lock.acquire(blocking=not is_usable):
            return last or self._make(environ)
        try:
            newer = self._answers.get(key)
            if newer is None or newer is last:
                newer = self._answers[key] = self._make(environ)
            return newer
        finally:
            lock.release()

    def _make(self, environ: Environ) -> Answer:
        started: list[Any] = []
        result = self._app(environ, lambda *arguments: started.extend(arguments))
        try:
            body = b"".join(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        # The id belongs to the request that made the answer, not to all that get it.
        headers = [(name, text) for name, text in started[1] if name != "X-Request-Id"]
        return Answer(started[0], headers, body, time.monotonic())
