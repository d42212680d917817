"""How names are compared, and what a blind index gives away."""

from datetime import date
from uuid import uuid4

import pytest

from medical_ai.patients.directory import looks_like_a_code
from medical_ai.patients.search import LONGEST, search_key, terms_of, words_of

KEY = b"k" * 32
BORN = date(1980, 2, 29)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("José", ["jose"]),
        ("JOSE\u0301", ["jose"]),
        ("Weiß", ["weiss"]),
        ("Søren Ærø", ["soren", "aero"]),
        ("Łukasz Đorđević", ["lukasz", "dordevic"]),
        ("O'Neill-Smith", ["o", "neill", "smith"]),
        ("ＡＬＩＣＥ", ["alice"]),
        ("İpek Işık", ["ipek", "isik"]),
        ("Нина", ["нина"]),
        ("李小龙", ["李小龙"]),
        ("Anna Anna", ["anna"]),
        ("  --- _ ", []),
        ("", []),
    ],
)
def test_names_are_compared_without_accents_case_and_marks(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_a_name_of_a_hundred_words_costs_no_more_than_one_of_eight() -> None:
    assert len(words_of(" ".join(f"w{number}" for number in range(100)))) == 8


def test_a_patient_is_found_by_beginnings_of_each_word_and_by_the_day_of_birth() -> None:
    known = terms_of(KEY, "Alexandra Li", BORN)
    for begun in ("al", "alexan", "alexandra", "li"):
        assert terms_of(KEY, begun, None) <= known, begun
    assert terms_of(KEY, None, BORN) <= known
    for other in ("lexandra", "alexandre", "lia"):
        assert not terms_of(KEY, other, None) <= known, other
    assert not terms_of(KEY, None, date(1980, 3, 1)) <= known


def test_a_single_letter_is_a_term_only_where_it_is_a_whole_word() -> None:
    assert terms_of(KEY, "O", None) <= terms_of(KEY, "O Neill", None)
    assert not terms_of(KEY, "N", None) <= terms_of(KEY, "O Neill", None)


def test_long_words_are_compared_by_their_beginning() -> None:
    long = "x" * 40
    assert len(terms_of(KEY, long, None)) == LONGEST - 1


def test_terms_say_no_name_and_differ_between_hospitals_and_keys() -> None:
    here, there = uuid4(), uuid4()
    terms = [
        terms_of(search_key(ring, hospital), "Alice", BORN)
        for ring in (b"a" * 32, b"b" * 32)
        for hospital in (here, there)
    ]
    assert not set.intersection(*terms[:2])
    assert not terms[0] & terms[2]
    assert all(len(term) == 32 and "alice" not in term for term in terms[0])


@pytest.mark.parametrize(
    ("typed", "code"),
    [("nugwi", "NUGWI"), (" NUGWI ", "NUGWI"), ("NUGW", ""), ("NUG WI", ""), ("ÄUGWI", ""),
     ("ABCDEFGHIJ", ""), ("NUGWI1", ""), ("", "")],
)  # fmt: skip
def test_a_code_is_known_by_its_shape(typed: str, code: str) -> None:
    assert looks_like_a_code(typed) == code
