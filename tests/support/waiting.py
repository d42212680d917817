"""Waiting for something that will come, instead of sleeping for as long as it might take."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    look: Callable[[], Found], *, seconds: float, what: str, every: float = 0.05
) -> Found:
    """Look again and again until there is something; fail with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain until {what}")
        time.sleep(every)
