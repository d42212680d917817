"""The text of a personal access token, and what one may carry."""

import re

from medical_ai.auth.permissions import Permission
from medical_ai.auth.personal_tokens import (
    PREFIX,
    SCOPES,
    WITHHELD,
    hash_of,
    looks_like_token,
    new_token,
)


def test_a_token_is_known_at_sight_and_has_256_random_bits() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    for text in made:
        assert looks_like_token(text)
        assert re.fullmatch(r"mai_pat_[0-9a-f]{72}", text)


def test_its_hash_is_found_and_tells_nothing() -> None:
    text = new_token()
    found = hash_of(text)
    assert found is not None
    assert re.fullmatch(r"[0-9a-f]{64}", found)
    assert found == hash_of(text)
    assert text[len(PREFIX) : -8] not in found


def test_every_single_wrong_digit_is_noticed_without_a_database() -> None:
    text = new_token()
    for place in range(len(PREFIX), len(text)):
        other = "0" if text[place] != "0" else "1"
        assert hash_of(text[:place] + other + text[place + 1 :]) is None


def test_a_token_of_another_form_is_none() -> None:
    text = new_token()
    for other in ("", text[:-1], text + "0", text.upper(), f" {text}", f"{text}\n", text[8:]):
        assert hash_of(other) is None


def test_every_permission_is_offered_in_words_or_withheld_for_a_reason() -> None:
    assert SCOPES.keys() | WITHHELD.keys() == set(Permission)
    assert SCOPES.keys().isdisjoint(WITHHELD)
