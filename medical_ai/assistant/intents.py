"""What a question is after. Pure: words in, an intent out; nothing is looked up.

An intent is only what the words say. Whether there is such a medicine, the record knows.
"""

from dataclasses import dataclass

from medical_ai.assistant.periods import Period, read_period
from medical_ai.assistant.questions import RULES, IntentKind
from medical_ai.assistant.runs import Run, read_runs
from medical_ai.assistant.wording import NUMBER, OTHER, Said, has_any, read_words, words_of

ABOUT_TAKEN = frozenset(
    {IntentKind.WAS_TAKEN, IntentKind.NOT_TAKEN, IntentKind.HOW_MANY, IntentKind.LAST_TAKEN}
)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked: the kind, words that may name a medicine, and when.

    `is_bare` tells that there is hardly a word beside the name.
    """

    kind: IntentKind
    words: frozenset[str]
    runs: tuple[Run, ...]
    period: Period
    is_bare: bool = False


_PEOPLE = words_of(
    "husband wife son daughter mum dad father brother sister baby child kid kids friend partner "
    "grandma gran granny grandad nan neighbour boyfriend girlfriend uncle aunt children"
)
_THIRD_PERSON = words_of("her his he she him hers")
_ME_TAKING = ("did i", "have i", "do i", "am i", "should i", "can i", "i took", "i have taken")
_FEW_WORDS = 2


def read_intent(text: str) -> Intent:
    """Return what a question is after; UNKNOWN rather than a guess."""
    said = read_words(text)
    period = read_period(said.plain, said.raw)
    runs = tuple(read_runs(said))
    kind = _kind_of(said, period, runs)
    if kind in ABOUT_TAKEN and not _has_object(said, period, runs):
        kind = IntentKind.UNRELATED
    return Intent(
        kind=kind,
        words=frozenset(said.raw),
        runs=runs,
        period=period,
        is_bare=sum(word not in {OTHER, NUMBER} for word in said.plain) <= _FEW_WORDS,
    )


def _kind_of(said: Said, period: Period, runs: tuple[Run, ...]) -> IntentKind:
    if _is_about_somebody_else(said):
        return IntentKind.SOMEBODY_ELSE
    markers = {
        "@asks": said.asks,
        "@period": period.is_named,
        "@name": any(run.is_object for run in runs),
        f"@first {_first_word(said)}": True,
        f"@only {_first_word(said)}": len(said.plain) == 1,
    }
    text = said.text + "".join(f"{marker} " for marker, is_on in markers.items() if is_on)
    return next((rule.kind for rule in RULES if rule.fits(text)), IntentKind.UNKNOWN)


def _first_word(said: Said) -> str:
    words = said.plain[1:] if said.plain[:1] == ("please",) else said.plain
    return words[0] if words else ""


def _is_about_somebody_else(said: Said) -> bool:
    words = set(said.plain)
    if _THIRD_PERSON & words:
        return True
    return bool(_PEOPLE & words) and not has_any(said.text, _ME_TAKING)


_PRONOUNS = words_of("medicine dose it them everything anything any all they one both those these")
_TAKING = ("take", "taken", "took", "miss", "missed", "skip", "skipped", "marked", "swallowed")
_MEALS = ("breakfast", "lunch", "dinner")


def _has_object(said: Said, period: Period, runs: tuple[Run, ...]) -> bool:
    """Tell whether a question what was taken is about medicines: "have I had lunch" is not."""
    if not _PRONOUNS.isdisjoint(said.plain) or any(run.is_object for run in runs):
        return True
    eaten = [f"{verb} {meal}" for verb in (*_TAKING, "had", "have") for meal in _MEALS]
    return (
        has_any(said.text, _TAKING)
        and not runs
        and not has_any(said.text, eaten)
        and (period.is_named or said.plain[-1] in _TAKING)
    )
