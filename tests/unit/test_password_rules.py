"""Which passwords may be chosen, and that one is the same however it was typed."""

import subprocess
import sys

import pytest
from pydantic import ValidationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from medical_ai.auth.password_rules import normal_password, refuse_guessable
from medical_ai.auth.passwords import MIN_CHARACTERS
from medical_ai.auth.schemas import SignUp
from medical_ai.core.errors import InvalidInput
from tests.support.people import PASSWORD


def refusal_of(password: str, *, username: str = "Carla") -> str:
    """Return why a password may not be chosen; empty where it may."""
    email = "carla.long@example.org"
    try:
        data = SignUp(email=email, username=username, password=password)
    except ValidationError as error:
        return error.errors()[0]["msg"]
    try:
        refuse_guessable(data.password, email=email, username=username)
    except InvalidInput as error:
        return error.fields[0].message
    return ""


def test_the_3000_most_common_passwords_are_all_refused() -> None:
    common = FREQUENCY_LISTS["passwords"][:3000]
    assert len(common) == 3000
    assert [one for one in common if not refusal_of(one)] == []
    by_list = [one for one in common if len(one) >= MIN_CHARACTERS]
    assert {refusal_of(one) for one in by_list} == {refusal_of("password")}


@pytest.mark.parametrize("password", ["Password", "PASSWORD1", " password1 ", "QwErTyUiOp"])
def test_capitals_and_spaces_around_do_not_make_it_rare(password: str) -> None:
    assert "guessed first" in refusal_of(password)


@pytest.mark.parametrize("password", ["carla.long@example.org", "Carla.Long", "CARLA.LONG"])
def test_ones_own_address_is_no_password(password: str) -> None:
    assert "e-mail address" in refusal_of(password)


def test_ones_own_name_is_no_password() -> None:
    assert "your name" in refusal_of("Carla the Great", username="carla the great")


@pytest.mark.parametrize(
    "password",
    [PASSWORD, "alllowercaseletters", "8 digit1", "ein-Fluß-im-Grünen", "猫が好きな静かな夜",
     "🐴" * 20, "x" * 64, "word " * 51],
)  # fmt: skip
def test_everything_else_may_be_chosen(password: str) -> None:
    assert refusal_of(password) == ""


@pytest.mark.parametrize("password", ["seven77", "x" * 257, "e\u0301" * 7])
def test_a_password_has_bounds_in_characters_as_people_count_them(password: str) -> None:
    assert refusal_of(password)


def test_the_same_letters_are_the_same_password_however_typed() -> None:
    composed, decomposed = "pässword für uns", "pa\u0308ssword fu\u0308r uns"
    assert composed != decomposed
    assert normal_password(composed) == normal_password(decomposed)
    assert normal_password("a\u00a0b\u3000c") == "a b c"


@pytest.mark.parametrize("password", ["  spaces stay  ", "Capitals Stay", "ﬁne print", "²"])
def test_nothing_else_of_a_password_is_changed(password: str) -> None:
    assert normal_password(password) == password


def test_the_list_is_read_without_what_its_package_makes_of_it() -> None:
    code = (
        "import sys; from medical_ai.auth.password_rules import common_passwords;"
        "print(len(common_passwords()) > 10_000, 'zxcvbn' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "False"]
