"""Envelopes open in their own place, with a key of the ring, and not otherwise."""

import secrets
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medical_ai.core.crypto import DecryptionFailed, KeyRing, new_data_key, place

HERE = place("medications", "name", uuid4())


@given(st.text())
def test_what_is_sealed_opens_again(text: str) -> None:
    ring, row = KeyRing([new_data_key()]), uuid4()
    assert ring.open_text(ring.seal_text(text, "t", "c", row), "t", "c", row) == text


def test_the_same_text_is_never_sealed_the_same() -> None:
    ring = KeyRing([new_data_key()])
    assert len({ring.seal(b"text", HERE) for _ in range(50)}) == 50


def test_an_envelope_does_not_show_what_is_in_it() -> None:
    assert b"amlodipine" not in KeyRing([new_data_key()]).seal(b"amlodipine", HERE)


@pytest.mark.parametrize(
    ("table", "column", "same_row"),
    [
        ("medications", "name", False),
        ("medications", "instructions", True),
        ("notes", "name", True),
    ],
)
def test_an_envelope_that_was_moved_does_not_open(table: str, column: str, same_row: bool) -> None:
    ring, row = KeyRing([new_data_key()]), uuid4()
    envelope = ring.seal_text("text", "medications", "name", row)
    with pytest.raises(DecryptionFailed):
        ring.open_text(envelope, table, column, row if same_row else uuid4())


@given(st.integers(min_value=0, max_value=60), st.integers(min_value=0, max_value=7))
def test_an_envelope_with_any_bit_changed_does_not_open(position: int, bit: int) -> None:
    ring = KeyRing([new_data_key()])
    envelope = bytearray(ring.seal(b"a text of some length, that is", HERE))
    envelope[position % len(envelope)] ^= 1 << bit
    with pytest.raises(DecryptionFailed):
        ring.open(bytes(envelope), HERE)


@pytest.mark.parametrize("kept", range(34))
def test_an_envelope_that_was_cut_short_does_not_open(kept: int) -> None:
    ring = KeyRing([new_data_key()])
    with pytest.raises(DecryptionFailed):
        ring.open(ring.seal(b"text", HERE)[: min(kept, 36)], HERE)


def test_a_ring_with_a_new_first_key_still_opens_what_the_old_one_sealed() -> None:
    old, new = new_data_key(), new_data_key()
    envelope = KeyRing([old]).seal(b"text", HERE)
    assert KeyRing([new, old]).open(envelope, HERE) == b"text"
    assert KeyRing([old, new]).open(KeyRing([new, old]).seal(b"text", HERE), HERE) == b"text"


def test_the_first_key_seals() -> None:
    old, new = new_data_key(), new_data_key()
    assert KeyRing([new]).open(KeyRing([new, old]).seal(b"text", HERE), HERE) == b"text"


def test_without_its_key_an_envelope_is_lost() -> None:
    envelope = KeyRing([new_data_key()]).seal(b"text", HERE)
    with pytest.raises(DecryptionFailed):
        KeyRing([new_data_key()]).open(envelope, HERE)


def test_a_failure_tells_nothing_of_key_or_text() -> None:
    key = secrets.token_bytes(32)
    with pytest.raises(DecryptionFailed) as failure:
        KeyRing([key]).open(KeyRing([key]).seal(b"amlodipine", HERE), b"elsewhere")
    assert "amlodipine" not in str(failure.value)
    assert key.hex() not in str(failure.value)
