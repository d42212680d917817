"""What the patient reads about others who were told, and which red flags are told to nobody."""

import pytest

from medical_ai.assistant.emergencies import spoken_told
from medical_ai.assistant.schemas import Receipt
from medical_ai.assistant.triage import assess
from medical_ai.knowledge.red_flags import get_red_flags


@pytest.mark.parametrize(
    ("count", "is_own", "expected"),
    [
        (0, True, ""),
        (0, False, ""),
        (1, True, "As you chose, a message asks somebody who looks after you to call you."),
        (3, True, "As you chose, a message asks 3 people who look after you to call you."),
        (1, False, "A message asks somebody else who looks after them to call them."),
        (2, False, "A message asks 2 others who look after them to call them."),
    ],
)
def test_it_says_how_many_were_told_and_never_to_wait(
    count: int, is_own: bool, expected: str
) -> None:
    said = spoken_told(count, is_own=is_own)
    assert said == (f"{expected} Do not wait for that." if expected else "")


def test_the_rules_about_violence_at_home_are_the_quiet_ones() -> None:
    quiet = {rule.id for rule in get_red_flags().rules if rule.quiet}
    assert quiet == {"abuse", "abuse-danger", "child-abuse"}
    about = {rule.id for rule in get_red_flags().rules if "abuse" in rule.advice}
    assert about <= quiet


@pytest.mark.parametrize(
    "said",
    [
        "My husband strangled me and now I cannot breathe",
        "He hits me and I am bleeding heavily",
        "I was raped and I am bleeding",
        "My boyfriend beats me, I have taken all my pills",
        "My partner hits me. I have crushing chest pain",
    ],
)
def test_fear_of_somebody_at_home_is_heard_beside_another_emergency(said: str) -> None:
    quiet = {rule.id for rule in get_red_flags().rules if rule.quiet}
    assert quiet & set(assess(said).rules), assess(said)


def test_an_answer_that_is_older_than_alarms_is_still_read() -> None:
    old = {"responder": "embedded", "left_machine": False, "elapsed_ms": 1, "tools": []}
    assert Receipt.model_validate(old).told == ""
