"""Attempts are counted in the database, so every process sees the same number."""

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine

from medical_ai.auth.throttle import count_attempt
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import TooManyRequests

pytestmark = pytest.mark.settings(ratelimit_enabled=True)


def attempt(database: Database, *, subject: str = "192.0.2.1", limit: int = 5) -> bool:
    """Try once and tell whether it was admitted."""
    try:
        count_attempt(database, scope="sign-in", subject=subject, limit=limit)
    except TooManyRequests:
        return False
    return True


def test_it_admits_as_many_as_the_limit_says(database: Database) -> None:
    assert [attempt(database) for _ in range(7)] == [True] * 5 + [False] * 2


def test_it_says_how_long_to_wait(database: Database) -> None:
    for _ in range(5):
        attempt(database)
    with pytest.raises(TooManyRequests) as refusal:
        count_attempt(database, scope="sign-in", subject="192.0.2.1", limit=5)
    assert refusal.value.retry_after_seconds is not None
    assert 1 <= refusal.value.retry_after_seconds <= 61


def test_another_address_is_not_held_responsible(database: Database) -> None:
    for _ in range(6):
        attempt(database)
    assert attempt(database, subject="192.0.2.2")


def test_the_next_minute_begins_anew(database: Database) -> None:
    for _ in range(6):
        attempt(database)
    with time_machine.travel(clock.now() + timedelta(seconds=61)):
        assert [attempt(database) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.settings(ratelimit_enabled=False)
def test_it_can_be_switched_off(database: Database) -> None:
    assert all(attempt(database, limit=1) for _ in range(5))


@pytest.mark.commits
def test_two_instances_share_one_count(database: Database) -> None:
    second = Database(database.settings)
    try:
        admitted = [attempt(one) for one in (database, second) * 4]
    finally:
        second.dispose()
    assert admitted == [True] * 5 + [False] * 3


@pytest.mark.commits
def test_parallel_first_attempts_are_all_counted_and_none_fails(database: Database) -> None:
    start, outcomes = Barrier(12), []

    def knock() -> None:
        start.wait()
        try:
            outcomes.append(attempt(database))
        except Exception as error:  # any other outcome is what this test looks for
            outcomes.append(type(error).__name__)

    threads = [Thread(target=knock) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {True: 5, False: 7}
