"""Wrong passwords: delays that grow, hold over all processes, and never reach the owner."""

from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import select

from medical_ai.auth import service
from medical_ai.auth.guesses import FREE_TRIES, admit_guess, delay_after, forgive_guess
from medical_ai.auth.models import KnownClient, ThrottleWindow
from medical_ai.auth.schemas import SignIn
from medical_ai.auth.service import Client
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.errors import TooManyRequests, Unauthenticated
from tests.support.people import PASSWORD, Person

pytestmark = pytest.mark.settings(ratelimit_enabled=True, login_attempts_per_minute=10_000)

HERS = Client("192.0.2.1", "Firefox", "d" * 32)
HER_PHONE = Client("198.51.100.7", "her phone")
STRANGER = Client("203.0.113.9", "curl")
NOBODY = "nobody@example.org"


def try_once(database: Database, email: str, password: str, client: Client) -> str:
    """Try to sign in and return what came of it."""
    try:
        with database.unit_of_work() as session:
            data = SignIn(email=email, password=password)
            service.sign_in(session, data=data, client=client)
    except (TooManyRequests, Unauthenticated) as error:
        return type(error).__name__
    return "in"


def wait_of(database: Database, email: str, client: Client = STRANGER) -> int:
    """Return for how many seconds a client has to wait."""
    with pytest.raises(TooManyRequests) as refusal, database.unit_of_work() as session:
        data = SignIn(email=email, password=PASSWORD)
        service.sign_in(session, data=data, client=client)
    assert refusal.value.retry_after_seconds is not None
    assert str(refusal.value.retry_after_seconds) in refusal.value.detail
    return refusal.value.retry_after_seconds


def hammer(database: Database, email: str, rounds: int, client: Client = STRANGER) -> list[int]:
    """Guess as soon as it is admitted, and return how long each wait was."""
    waits = []
    with time_machine.travel(clock.now(), tick=False) as time:
        for _ in range(FREE_TRIES - 1):
            assert try_once(database, email, "wrong", client) == "Unauthenticated"
        for _ in range(rounds):
            assert try_once(database, email, "wrong", client) == "Unauthenticated"
            waits.append(wait_of(database, email, client))
            time.shift(timedelta(seconds=waits[-1]))
    return waits


def test_delays_double_up_to_the_longest() -> None:
    assert [delay_after(tries, 60) for tries in range(12)] == [
        0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60,
    ]  # fmt: skip
    assert delay_after(10_000, 900) == 900


@pytest.mark.settings(login_delay_longest_seconds=20)
@pytest.mark.parametrize("who", ["alice@example.org", NOBODY])
def test_each_wrong_password_lengthens_the_wait_for_accounts_that_are_and_are_not(
    database: Database, alice: Person, who: str
) -> None:
    assert hammer(database, who, 6) == [2, 4, 8, 16, 20, 20]


def test_the_right_password_is_refused_just_the_same_during_a_delay(
    database: Database, alice: Person
) -> None:
    for _ in range(FREE_TRIES):
        try_once(database, alice.email, "wrong", STRANGER)
    assert try_once(database, alice.email, PASSWORD, STRANGER) == "TooManyRequests"
    assert try_once(database, alice.email, "wrong", STRANGER) == "TooManyRequests"


def test_a_stranger_never_holds_up_the_owner_where_she_signed_in_before(
    database: Database, alice: Person
) -> None:
    for client in (HERS, HER_PHONE):
        assert try_once(database, alice.email, PASSWORD, client) == "in"
    strangers = [Client(f"203.0.113.{number}", "curl") for number in range(9)]
    for client in strangers:
        try_once(database, alice.email, "wrong", client)
    assert try_once(database, alice.email, "wrong", STRANGER) == "TooManyRequests"
    # Her browser is known wherever it is; her phone's network is known without a cookie.
    moved = Client("198.18.0.1", "Firefox", HERS.device)
    for client in (HERS, moved, HER_PHONE):
        assert try_once(database, alice.email, PASSWORD, client) == "in"


@pytest.mark.settings(login_attempts_per_minute=5)
def test_a_known_browser_does_not_suffer_from_others_at_its_address(
    database: Database, alice: Person
) -> None:
    assert try_once(database, alice.email, PASSWORD, HERS) == "in"
    colleague = Client(HERS.address, "curl")
    for _ in range(8):
        try_once(database, NOBODY, "wrong", colleague)
    assert try_once(database, NOBODY, "wrong", colleague) == "TooManyRequests"
    assert try_once(database, alice.email, PASSWORD, HERS) == "in"


@pytest.mark.settings(login_attempts_per_minute=3)
def test_right_passwords_behind_one_address_are_not_counted_and_win_nobody_a_try(
    database: Database, alice: Person, bob: Person
) -> None:
    for number in range(5):  # each with another browser
        for person in (alice, bob):
            fresh = Client(STRANGER.address, f"a computer of the ward, {number}")
            assert try_once(database, person.email, PASSWORD, fresh) == "in"
    for _ in range(3):
        assert try_once(database, NOBODY, "wrong", STRANGER) == "Unauthenticated"
    own = Client(STRANGER.address, "curl", HERS.device)
    assert try_once(database, alice.email, PASSWORD, HERS) == "in"
    assert try_once(database, alice.email, PASSWORD, own) == "in"
    assert try_once(database, NOBODY, "wrong", STRANGER) == "TooManyRequests"


def test_a_browser_known_to_one_account_is_a_stranger_to_another(
    database: Database, alice: Person, bob: Person
) -> None:
    assert try_once(database, bob.email, PASSWORD, HERS) == "in"
    assert try_once(database, bob.email, PASSWORD, STRANGER) == "in"
    for _ in range(FREE_TRIES):
        try_once(database, alice.email, "wrong", STRANGER)
    assert try_once(database, alice.email, "wrong", HERS) == "TooManyRequests"


def test_a_known_client_that_guesses_waits_as_well_and_begins_anew_when_right(
    database: Database, alice: Person
) -> None:
    try_once(database, alice.email, PASSWORD, HERS)
    with time_machine.travel(clock.now(), tick=False) as time:
        for _ in range(FREE_TRIES):
            try_once(database, alice.email, "wrong", HERS)
        assert wait_of(database, alice.email, HERS) == 2
        time.shift(timedelta(seconds=2))
        assert try_once(database, alice.email, PASSWORD, HERS) == "in"
        for _ in range(FREE_TRIES):
            assert try_once(database, alice.email, "wrong", HERS) == "Unauthenticated"


def test_a_success_gives_strangers_no_new_tries(database: Database, alice: Person) -> None:
    for _ in range(FREE_TRIES - 1):
        try_once(database, alice.email, "wrong", STRANGER)
    for number in range(3):  # she signs in from places she never was
        client = Client(f"198.51.{number}.1", "hers")
        assert try_once(database, alice.email, PASSWORD, client) == "in"
    assert try_once(database, alice.email, "wrong", STRANGER) == "Unauthenticated"
    assert try_once(database, alice.email, "wrong", STRANGER) == "TooManyRequests"


def test_guesses_and_clients_are_forgotten(database: Database, alice: Person) -> None:
    try_once(database, alice.email, PASSWORD, HERS)
    hammer(database, alice.email, 1)
    with (
        time_machine.travel(clock.now() + timedelta(days=2)),
        database.unit_of_work() as session,
    ):
        service.delete_expired(session)
        assert session.scalars(select(ThrottleWindow)).all() == []
        assert len(session.scalars(select(KnownClient)).all()) == 3
    with (
        time_machine.travel(clock.now() + timedelta(days=200)),
        database.unit_of_work() as session,
    ):
        service.delete_expired(session)
        assert session.scalars(select(KnownClient)).all() == []


def test_a_day_later_the_first_tries_are_free_again(database: Database) -> None:
    hammer(database, NOBODY, 3)
    with time_machine.travel(clock.now() + timedelta(days=1, seconds=60)):
        tries = [try_once(database, NOBODY, "wrong", STRANGER) for _ in range(FREE_TRIES)]
    assert tries == ["Unauthenticated"] * FREE_TRIES


@pytest.mark.settings(ratelimit_enabled=False)
def test_it_can_be_switched_off(database: Database) -> None:
    for _ in range(FREE_TRIES * 2):
        guess = admit_guess(database, account=NOBODY, client=None)
    with database.unit_of_work() as session:
        forgive_guess(session, guess)


@pytest.mark.commits
@pytest.mark.settings(database_pool_size=32)
def test_of_many_that_come_at_once_no_more_are_admitted_than_one_after_another(
    database: Database,
) -> None:
    start, outcomes = Barrier(24), []

    def guess() -> None:
        start.wait()
        try:
            admit_guess(database, account=NOBODY, client=None)
            outcomes.append("admitted")
        except Exception as error:  # any other outcome is what this test looks for
            outcomes.append(type(error).__name__)

    threads = [Thread(target=guess) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(outcomes) == {"admitted": FREE_TRIES, "TooManyRequests": 24 - FREE_TRIES}
