"""Identifiers: rows in order of time, and codes that can be read aloud."""

import re

from medical_ai.core.ids import PATIENT_CODE_PATTERN, new_id, new_patient_code


def test_row_ids_are_uuid_7_and_in_order() -> None:
    ids = [new_id() for _ in range(2000)]
    assert {one.version for one in ids} == {7}
    assert ids == sorted(ids)
    assert len(set(ids)) == 2000


def test_a_code_is_five_letters_that_are_told_apart() -> None:
    codes = {new_patient_code() for _ in range(500)}
    assert len(codes) > 400
    for code in codes:
        assert re.fullmatch(r"[B-Z][AEIOU][B-Z][B-Z][AEIOU]", code)
        assert not set(code) & set("QXCY0123456789")


def test_a_longer_code_fits_what_is_stored() -> None:
    for extra in range(3):
        code = new_patient_code(extra_syllables=extra)
        assert len(code) == 5 + 2 * extra
        assert re.fullmatch(PATIENT_CODE_PATTERN, code)
