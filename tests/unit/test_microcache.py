"""Answers given to everybody within a second: fresh, bounded in age, and never a wrong one."""

import threading
from typing import Any

import pytest

from medical_ai.ops import microcache
from medical_ai.ops.microcache import MicroCache
from tests.support.waiting import wait_until


class Application:
    """A WSGI application that numbers its answers and can be made to wait."""

    def __init__(self) -> None:
        self.made = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, _environ: Any, start_response: Any) -> list[bytes]:
        self.go_on.wait(timeout=5)
        self.made += 1
        start_response("200 OK", [("X-Request-Id", "one"), ("Content-Type", "text/plain")])
        return [str(self.made).encode()]


@pytest.fixture
def application() -> Application:
    """The application behind the cache."""
    return Application()


@pytest.fixture
def cache(application: Application) -> MicroCache:
    """A cache for `/health`."""
    return MicroCache(application, frozenset({"/health"}))


def get(cache: MicroCache, path: str = "/health", **environ: str) -> tuple[str, list[str]]:
    """Ask, and return body and header names."""
    headers: list[str] = []
    base = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "wsgi.url_scheme": "http"}
    body = cache(base | environ, lambda _status, found: headers.extend(n for n, _ in found))
    return b"".join(body).decode(), headers


def grow_old(cache: MicroCache, seconds: float) -> None:
    """Make every answer older."""
    for key, answer in cache._answers.items():
        cache._answers[key] = microcache.Answer(
            answer.status, answer.headers, answer.body, answer.made_at - seconds
        )


def test_who_asks_within_a_second_gets_the_same_answer(cache: MicroCache) -> None:
    assert [get(cache)[0] for _ in range(5)] == ["1"] * 5


def test_after_a_second_the_answer_is_made_anew(cache: MicroCache) -> None:
    get(cache)
    grow_old(cache, 1.1)
    assert get(cache)[0] == "2"


@pytest.mark.parametrize(
    "environ",
    [{"REQUEST_METHOD": "POST"}, {"REQUEST_METHOD": "HEAD"}, {"HTTP_ORIGIN": "https://a.org"}],
)
def test_other_requests_go_through(cache: MicroCache, environ: dict[str, str]) -> None:
    get(cache)
    assert get(cache, **environ)[0] == "2"


def test_other_addresses_go_through(cache: MicroCache) -> None:
    assert [get(cache, "/doses")[0] for _ in range(2)] == ["1", "2"]


def test_https_has_answers_of_its_own(cache: MicroCache) -> None:
    get(cache)
    assert get(cache, HTTP_X_FORWARDED_PROTO="https")[0] == "2"
    assert get(cache)[0] == "1"


def test_the_id_of_one_request_is_not_given_to_another(cache: MicroCache) -> None:
    assert get(cache)[1] == ["Content-Type"]


def test_while_an_answer_is_made_others_get_the_one_before_if_it_is_recent(
    cache: MicroCache, application: Application
) -> None:
    get(cache)
    grow_old(cache, 1.5)
    application.go_on.clear()
    asker = threading.Thread(target=get, args=(cache,))
    asker.start()
    wait_until(lambda: any(lock.locked() for lock in cache._locks.values()), seconds=2, what="busy")
    assert get(cache)[0] == "1"
    application.go_on.set()
    asker.join()


def test_an_answer_of_long_ago_is_given_to_nobody(
    cache: MicroCache, application: Application
) -> None:
    get(cache)
    grow_old(cache, 600)
    application.go_on.clear()
    answers: list[str] = []
    askers = [threading.Thread(target=lambda: answers.append(get(cache)[0])) for _ in range(2)]
    for asker in askers:
        asker.start()
    wait_until(lambda: any(lock.locked() for lock in cache._locks.values()), seconds=2, what="busy")
    application.go_on.set()
    for asker in askers:
        asker.join()
    assert answers == ["2", "2"]
