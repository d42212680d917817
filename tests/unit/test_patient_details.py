"""What may be written of a patient, field by field."""

import json
from datetime import UTC, datetime

import pytest
import time_machine
from pydantic import ValidationError

from medical_ai.patients.schemas import BreakGlassCreate, Details, PatientCreate, PatientsQuery
from tests.support.patients import WRITTEN


def problem_of(**changed: object) -> str:
    """Return which field is refused; nothing where all are taken."""
    try:
        Details.model_validate_json(json.dumps(WRITTEN | changed))
    except ValidationError as error:
        return ".".join(str(one) for one in error.errors()[0]["loc"])
    return ""


def test_everything_may_be_written_and_everything_left_out() -> None:
    assert problem_of() == ""
    assert Details() == Details.model_validate_json("{}")
    assert problem_of(**dict.fromkeys(WRITTEN)) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "   "), ("name", "x" * 201), ("name", "a\nb"), ("name", "---"),
        ("name", 7), ("name", "a\x00b"),
        ("birth_date", "07.05.1931"), ("birth_date", "1931-02-30"), ("birth_date", 0),
        ("birth_date", "1800-01-01"), ("birth_date", "2999-01-01"), ("birth_date", "1931-05-07T00"),
        ("sex", "f"), ("sex", ""),
        ("phone", "call me"), ("phone", "12"), ("phone", "+" + "1" * 40), ("phone", "+49\n555"),
        ("email", "nobody"), ("email", "a@b@c.org"), ("email", "x" * 250 + "@example.org"),
        ("address", ""), ("address", "x" * 501), ("address", "\n\n"), ("address", "a\x07"),
        ("national_id", "x"), ("national_id", "x" * 41), ("national_id", "<script>"),
        ("insurance_number", "-1"), ("insurance_number", "x" * 41),
        ("language", "english please"), ("language", "e"), ("language", "en_GB"),
        ("emergency_contact", ""), ("emergency_contact", "x" * 201),
        ("ssn", "123"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_field(field: str, value: object) -> None:
    assert problem_of(**{field: value}) == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "李小龙"), ("name", "O'Neill-Łuk"), ("name", "x" * 200), ("phone", "(030) 123-45"),
        ("address", "x" * 500), ("address", "a\nb"), ("language", "pt-BR"),
        ("language", "zh-Hant-TW"), ("birth_date", "2020-02-29"), ("national_id", "123-45-6789"),
    ],
)  # fmt: skip
def test_what_people_have_is_taken(field: str, value: object) -> None:
    assert problem_of(**{field: value}) == ""


def test_who_was_born_today_on_the_other_side_of_the_world_is_born() -> None:
    with time_machine.travel(datetime(2026, 11, 24, 20, tzinfo=UTC), tick=False):
        assert problem_of(birth_date="2026-11-25") == ""
        assert problem_of(birth_date="2026-11-26") == "birth_date"


def test_a_patient_is_registered_by_name_at_the_least() -> None:
    with pytest.raises(ValidationError):
        PatientCreate.model_validate({})
    with pytest.raises(ValidationError):
        PatientCreate.model_validate({"name": "Zoe", "timezone": "Mars/Olympus"})
    assert PatientCreate.model_validate({"name": "Zoe"}).timezone == "UTC"


@pytest.mark.parametrize("reason", ["", "too short", " " * 20, "-" * 20, "x" * 501, "x\x00" * 8])
def test_a_reason_says_something(reason: str) -> None:
    with pytest.raises(ValidationError):
        BreakGlassCreate.model_validate({"reason": reason})


def test_a_search_has_limits() -> None:
    with pytest.raises(ValidationError):
        PatientsQuery.model_validate({"query": "x" * 101})
    with pytest.raises(ValidationError):
        PatientsQuery.model_validate({"cursor": "nugwi'--"})
