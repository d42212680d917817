"""The watchdog of the web process: one answer within the period is enough."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from medical_ai.ops import watchdog

PERIOD, RETRY = 1.5, 0.1
Answer = Callable[[int], bytes | None]
"""What the listener says to a question by its number; None: nothing, and the line stays open."""
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


class Told(Exception):
    """The sign of life, which also ends the watchdog."""


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell() -> None:
        raise Told

    monkeypatch.setattr(watchdog, "tell_alive", tell)
    monkeypatch.setattr(watchdog, "RETRY_SECONDS", RETRY)


@contextmanager
def listening(answer: Answer) -> Iterator[tuple[socket.socket, list[float]]]:
    """Listen on a port, and note when each question came."""
    asked: list[float] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            open_lines = []
            for number in range(100):
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                asked.append(time.monotonic())
                line.recv(4096)
                if (said := answer(number)) is None:
                    open_lines.append(line)
                    continue
                line.sendall(said)
                line.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listener, asked


def seconds_until_told(listener: socket.socket) -> float:
    """Return after how long systemd hears of life."""
    began = time.monotonic()
    with pytest.raises(Told):
        watchdog._keep_asking(listener, PERIOD)
    return time.monotonic() - began


def slow(number: int) -> bytes | None:
    """Be stuck at first, and late afterwards."""
    if number == 0:
        return None
    time.sleep(0.3)
    return GOOD


def test_whoever_is_slow_or_late_lives() -> None:
    for answer in (slow, lambda number: GOOD if number >= 4 else BUSY):
        with listening(answer) as (listener, _):
            assert seconds_until_told(listener) < PERIOD


def test_nobody_is_asked_without_a_pause() -> None:
    with listening(lambda number: GOOD if number >= 3 else BUSY) as (listener, asked):
        seconds_until_told(listener)
    apart = [after - before for before, after in pairwise(asked)]
    assert len(apart) == 3
    assert min(apart) > RETRY * 0.8
