"""What callers may send, and what a refusal says of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from medical_ai.auth.schemas import SignIn, SignUp
from medical_ai.core.api import field_problem
from medical_ai.core.zones import available_names, known_zone, zone_names
from medical_ai.medications.schemas import (
    MedicationCreate,
    TimesSchedule,
    spoken_schedule,
    spoken_times,
)
from tests.support.people import PASSWORD

CANARY = "Canarymycin"
GOOD = {"name": "Aspirin", "schedules": [{"kind": "times", "times": ["08:00"]}]}


def refusals(shape: type[Any], values: Any) -> list[tuple[str, str]]:
    """Return where and why a shape refuses values."""
    with pytest.raises(ValidationError) as error:
        shape.model_validate(values)
    items = error.value.errors(include_url=False, include_input=False)
    return [(problem.loc, problem.message) for problem in map(field_problem, items)]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(CANARY) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["name", "schedules", "times", "kind", "days", "end_on", CANARY]),
        inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_no_refusal_repeats_what_was_sent(value: Any) -> None:
    for shape in (MedicationCreate, SignUp, SignIn, TimesSchedule):
        try:
            shape.model_validate(value)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                problem = field_problem(item)
                assert CANARY not in problem.loc + problem.message


def test_a_refusal_says_where(plain_settings: object) -> None:
    assert refusals(MedicationCreate, GOOD | {"schedules": [{"kind": "times", "times": [7]}]}) == [
        ("schedules.0.times.0", "Input should be a valid string")
    ]


def test_types_are_not_guessed() -> None:
    for values in ({"name": 5}, {"name": None}, {"schedules": "08:00"}, {"start_on": 20261121}):
        assert refusals(MedicationCreate, GOOD | values)


@pytest.mark.parametrize("text", ["08:00", "00:00", "23:59", "08:00:30"])
def test_times_of_day_are_accepted(text: str) -> None:
    assert TimesSchedule(kind="times", times=[text]).times == [text]


@pytest.mark.parametrize("text", ["8:00", "24:00", "08:60", "08:00:60", "08:00 ", "٠٨:٠٠", "8am"])
def test_other_times_of_day_are_refused(text: str) -> None:
    assert refusals(TimesSchedule, {"kind": "times", "times": [text]})


def test_times_and_days_are_put_in_order_and_days_are_counted_once() -> None:
    made = TimesSchedule(kind="times", times=["20:00", "08:00"], days=["sun", "mon", "sun"])
    assert (made.times, made.days) == (["08:00", "20:00"], ["mon", "sun"])


def test_one_moment_written_in_two_ways_is_given_twice() -> None:
    assert refusals(TimesSchedule, {"kind": "times", "times": ["08:00", "08:00:00"]})


@pytest.mark.parametrize(
    ("times", "days", "spoken"),
    [
        (["08:00"], None, "every day at 08:00"),
        (["08:00", "20:00"], None, "every day at 08:00 and 20:00"),
        (["08:00", "12:00", "20:00"], ["mon", "wed"], "on Mon, Wed at 08:00, 12:00 and 20:00"),
    ],
)
def test_a_schedule_is_said_in_words(times: list[str], days: Any, spoken: str) -> None:
    made = TimesSchedule.model_validate(
        {"kind": "times", "times": times} | ({"days": days} if days else {})
    )
    assert spoken_schedule(made.times, made.days) == spoken
    assert spoken_times(made.times) in spoken


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/Argentina/Ushuaia", "UTC", "Asia/Calcutta"]
)
def test_zones_are_known_by_their_names(name: str) -> None:
    assert known_zone(name) == name


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", CANARY])
def test_what_is_no_zone_is_refused_without_being_repeated(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a time zone") as error:
        known_zone(name)
    assert not name or name not in str(error.value)


def test_the_zones_to_choose_from_are_real_and_in_order() -> None:
    names = zone_names()
    assert list(names) == sorted(names)
    assert set(names) <= available_names()


@pytest.mark.parametrize(
    "email",
    [
        "plain",
        "jörg@example.org",
        "a@b",
        "a b@example.org",
        "a@example.org\r\nBcc: x@example.org",
        "a@@b.org",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    assert refusals(SignUp, {"email": email, "password": PASSWORD})
