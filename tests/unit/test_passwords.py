"""Passwords: slow to guess, and never more hashes at once than the machine can bear."""

import threading
import time
from typing import Any

import bcrypt
import pytest

from medical_ai.auth import passwords
from medical_ai.core.errors import UpstreamUnavailable
from tests.support.people import PASSWORD, cheap_hash


def test_the_parameters_are_those_owasp_asks_for() -> None:
    made = passwords.hash_password(PASSWORD, at_once=2)
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_only_the_right_password_fits() -> None:
    made = passwords.hash_password(PASSWORD, at_once=2)
    assert passwords.verify_password(made, PASSWORD, at_once=2)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1]):
        assert not passwords.verify_password(made, wrong, at_once=2)


def test_the_same_password_is_never_hashed_the_same() -> None:
    first, second = (passwords.hash_password(PASSWORD, at_once=2) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("stored", ["", "nonsense", "$2b$12$short", "$argon2id$v=19$m=1"])
def test_a_hash_that_is_none_fits_nothing(stored: str) -> None:
    assert not passwords.verify_password(stored, PASSWORD, at_once=2)


def test_an_unknown_account_costs_as_much_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []

    class Watched:
        def verify(self, stored: str, _password: str) -> bool:
            verified.append(stored)
            return True

        def hash(self, _password: str) -> str:
            return "$stand-in$"

    passwords._stand_in.cache_clear()
    monkeypatch.setattr(passwords, "_hasher", Watched())
    assert not passwords.verify_password(None, PASSWORD, at_once=2)
    assert verified == ["$stand-in$"]
    monkeypatch.undo()
    passwords._stand_in.cache_clear()


def test_no_more_hashes_run_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Slow:
        def verify(self, *_: Any) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            return True

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [
        threading.Thread(target=passwords.verify_password, args=("x", "y"), kwargs={"at_once": 3})
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SLOT_TIMEOUT_SECONDS", 0.05)
    with (
        passwords._slot(1),
        pytest.raises(UpstreamUnavailable) as refusal,
    ):
        passwords.verify_password(cheap_hash(), PASSWORD, at_once=1)
    assert refusal.value.retry_after_seconds
    assert passwords.verify_password(cheap_hash(), PASSWORD, at_once=1)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_a_hash_brought_from_elsewhere_is_verified_and_outdated(prefix: str) -> None:
    made = prefix + bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()[4:]
    assert passwords.verify_password(made, PASSWORD, at_once=2)
    assert not passwords.verify_password(made, PASSWORD + "!", at_once=2)
    assert passwords.is_outdated(made)
    assert not passwords.is_outdated(passwords.hash_password(PASSWORD, at_once=2))
    assert passwords.is_outdated(cheap_hash())


def test_a_brought_hash_knows_no_more_of_a_long_password_than_it_ever_did() -> None:
    long = "ü" * 40  # 80 bytes
    made = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert passwords.verify_password(made, long, at_once=2)
    assert not passwords.verify_password(made, "ü" * 35, at_once=2)


def test_what_only_looks_like_a_brought_hash_fits_nothing() -> None:
    for stored in ("$2b$", "$2b$04$short", "$2b$99$" + "x" * 53):
        assert not passwords.verify_password(stored, PASSWORD, at_once=2)


@pytest.mark.parametrize("known", [True, False])
def test_while_there_are_brought_hashes_every_account_costs_the_same(
    monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    done: list[str] = []
    monkeypatch.setattr(passwords, "_fits_argon2", lambda *_: bool(done.append("argon2")))
    monkeypatch.setattr(passwords, "_fits_bcrypt", lambda *_: bool(done.append("bcrypt")))
    brought = "$2b$04$" + "x" * 53
    for stored in (brought, "$argon2id$") if known else (None,):
        done.clear()
        passwords.verify_password(stored, PASSWORD, at_once=2, brought=brought)
        assert done == ["argon2", "bcrypt"], stored
