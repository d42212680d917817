"""Which words of a question may name a medicine. Pure; whether they do, the record knows."""

from collections.abc import Iterator
from dataclasses import dataclass

from medical_ai.assistant.wording import OTHER, Said, words_of

_KINDS = words_of(
    "painkiller painkillers vitamin vitamins thinner thinners antibiotic antibiotics steroid "
    "steroids statin inhaler"
)
_DESCRIPTIONS = _KINDS | words_of(
    "blood pressure heart water sugar diabetes diabetic cholesterol pain sleeping sleep thyroid "
    "stomach asthma white red blue yellow pink green orange round little big small tiny nerve "
    "anxiety depression allergy reflux"
)
"""What a medicine is for, looks like or belongs to; the record does not say that."""
_DETERMINERS = words_of("the a an my any some our this that your all")
_PREPOSITIONS = words_of(
    "at in on before after with for from to by during about than until since if so"
)
_BEFORE_A_NAME = words_of(
    "take taken took taking had have of next miss missed skip skipped and or on last is was are "
    "forgot forget mark stop add dose medicine time much many"
    " morning evening night afternoon when swallowed"
)
_ARTICLES = {("a",), ("an",)}
_AFTER_A_THING = words_of("out off down up away back")
_FEW = 6


@dataclass(frozen=True, slots=True)
class Run:
    """Words in a row that say nothing about how it is asked, so they may name a medicine.

    `is_object` tells that they stand where the name of a medicine stands, and `is_name` that they
    also look like one rather than like "the dog out" or "a heart attack". `is_description` is for
    words such as "blood pressure" before "tablets".
    """

    words: tuple[str, ...]
    is_object: bool
    is_name: bool
    is_description: bool


def read_runs(said: Said) -> Iterator[Run]:
    """Yield the words in a row that are no question words, in order."""
    start = 0
    for end in range(1, len(said.plain) + 1):
        if said.plain[end - 1] != OTHER:
            start = end
        elif end == len(said.plain) or said.plain[end] != OTHER:
            yield _read_run(said, start, end)


def _read_run(said: Said, start: int, end: int) -> Run:
    words, after = said.raw[start:end], said.plain[end : end + 1]
    is_of_medicine = after in {("medicine",), ("dose",)}
    is_object = is_of_medicine or _stands_for_an_object(said, start)
    is_thing = not _AFTER_A_THING.isdisjoint(after) or said.plain[start - 1 : start] in _ARTICLES
    is_description = is_object and _is_description(words, is_of_medicine, is_thing)
    looks_like_a_name = is_of_medicine or (len(words) == 1 and not is_thing)
    is_name = is_object and looks_like_a_name and not _DESCRIPTIONS.issuperset(words)
    return Run(words, is_object, is_name, is_description)


def _is_description(words: tuple[str, ...], is_of_medicine: bool, is_thing: bool) -> bool:
    is_kind = not is_thing and not _KINDS.isdisjoint(words)
    return _DESCRIPTIONS.issuperset(words) and (is_of_medicine or is_kind)


def _stands_for_an_object(said: Said, start: int) -> bool:
    before = start - 1
    while before >= 0 and said.plain[before] in _DETERMINERS:
        before -= 1
    has_determiner = before < start - 1
    if before < 0:
        return has_determiner or len(said.plain) <= _FEW
    word = said.plain[before]
    return word not in _PREPOSITIONS if has_determiner else word in _BEFORE_A_NAME
