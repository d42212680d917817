"""Who says what about a finding: there, denied, over, or only imagined.

A reading of each word of a sentence, driven by the cue phrases in the red-flag data. It must
not know what the findings are; when in doubt a finding counts as there.
"""

from collections.abc import Callable, Iterable
from enum import Enum

from medical_ai.assistant.triage.phrases import Match, PhraseBook
from medical_ai.assistant.triage.text import COMMA, Sentence

MAX_NEGATED_WORDS = 8
_LIST_WORDS = frozenset({"or", "nor"})
_LISTING_CUES = frozenset({"denies", "denied", "denying", "without", "negative"})
_NEGATION_ENDS = frozenset(
    [
        "i",
        "my",
        "he",
        "his",
        "she",
        "her",
        "it",
        "we",
        "they",
        "our",
        "your",
        "you",
        "because",
        "since",
        "so",
        "then",
        "now",
        "which",
        "who",
        "just",
    ]
)
_AFTER_AND_ENDS = frozenset(
    [
        "am",
        "is",
        "are",
        "was",
        "have",
        "has",
        "had",
        "feel",
        "feels",
        "feeling",
        "want",
        "wants",
        "think",
        "thinking",
        "keep",
        "keeps",
        "can",
        "now",
        "severe",
        "bad",
        "terrible",
        "worst",
        "sudden",
        "suddenly",
        "started",
        "still",
    ]
)
_REFUSALS = frozenset({"no", "nope", "none", "neither"})
_ASKS = frozenset({"any", "do", "does", "are", "is", "have", "has"})


class Reading(Enum):
    """How a word of the message is meant."""

    PRESENT = "present"
    NEGATED = "negated"
    PAST = "past"
    SUPPOSED = "supposed"


Clause = tuple[str, ...]
Readings = list[Reading]


def read_sentence(
    sentence: Sentence, *, cues: PhraseBook, following: Sentence | None
) -> list[Readings]:
    """Return one reading per word for each clause of the sentence."""
    if _is_refused_question(sentence, following):
        return [[Reading.NEGATED] * len(clause) for clause in sentence.clauses]
    result = []
    is_supposed_on = False
    for clause in sentence.clauses:
        found = cues.find(clause)
        readings = _read_clause(clause, found)
        starts = [match.start for match in found if match.owner == "supposed"]
        if any(match.owner == "elsewhere" for match in found) or is_supposed_on:
            starts = [0]
        if starts:
            _mark(readings, min(starts), len(clause), Reading.SUPPOSED)
            is_supposed_on = True
        result.append(readings)
    return result


def _is_refused_question(sentence: Sentence, following: Sentence | None) -> bool:
    """Spot "Any numbness? No." where the answer takes back the question."""
    if not (sentence.is_question and following and sentence.clauses[0][0] in _ASKS):
        return False
    answer = following.clauses[0]
    return answer[0] in _REFUSALS and (len(answer) == 1 or answer[1] == COMMA)


def _read_clause(clause: Clause, found: list[Match]) -> Readings:
    readings = [Reading.PRESENT] * len(clause)
    current = [match.start for match in _of("current", found)]
    excused = _excused(found)
    for match in found:
        reading, start, end = _local_scope(clause, match)
        is_overruled = any(start <= position < end for position in current)
        if reading and not is_overruled and match.start not in excused:
            _mark(readings, start, end, reading)
    for match in _of("absent", found):
        _mark(readings, *_segment(clause, match), Reading.NEGATED)
    for match in _of("negation", found):
        if match.start not in excused:
            listing = clause[match.start] in _LISTING_CUES
            end = _negation_end(clause, match.end, is_listing=listing)
            _mark(readings, match.end, end, Reading.NEGATED)
    return readings


def _excused(found: list[Match]) -> set[int]:
    """Return the words of "not only", "never like this before" and other no denials."""
    return {
        position
        for match in _of("not_negation", found)
        for position in range(match.start, match.end)
    }


def _local_scope(clause: Clause, match: Match) -> tuple[Reading | None, int, int]:
    """Return what a cue that "now" or "again" would overrule says, and from where to where."""
    if match.owner == "condition":
        return Reading.SUPPOSED, match.start, _to_comma(clause, match.end)
    if match.owner == "past":
        return Reading.PAST, *_segment(clause, match)
    return None, 0, 0


def _of(owner: str, found: Iterable[Match]) -> list[Match]:
    return [match for match in found if match.owner == owner]


def _mark(readings: Readings, start: int, end: int, reading: Reading) -> None:
    readings[start:end] = [reading] * (end - start)


def _segment(clause: Clause, match: Match) -> tuple[int, int]:
    """Return the stretch between commas around the match."""
    start = match.start
    while start and clause[start - 1] != COMMA:
        start -= 1
    return start, _to_comma(clause, match.end)


def _to_comma(clause: Clause, start: int) -> int:
    return _first(start, len(clause), lambda position: clause[position] == COMMA)


def _first(start: int, end: int, holds: Callable[[int], bool]) -> int:
    return next((position for position in range(start, end) if holds(position)), end)


def _negation_end(clause: Clause, start: int, *, is_listing: bool) -> int:
    """Return where a denial stops: a new subject, a comma outside a list, or eight words."""
    words = 0
    for position in range(start, len(clause)):
        word = clause[position]
        if word == COMMA:
            if not _list_goes_on(clause, position + 1, is_listing=is_listing):
                return position
            words = 0
        elif _ends_negation(clause, position, start) or words >= MAX_NEGATED_WORDS:
            return position
        words += 1
    return len(clause)


def _ends_negation(clause: Clause, position: int, start: int) -> bool:
    if position > start and clause[position - 1] == "and" and clause[position] in _AFTER_AND_ENDS:
        return True
    return position > start and clause[position] in _NEGATION_ENDS


def _list_goes_on(clause: Clause, start: int, *, is_listing: bool) -> bool:
    """Say whether the words after a comma continue a denied list ("no fever, rash or cough")."""
    if any(word in _NEGATION_ENDS or word in _AFTER_AND_ENDS for word in clause[start : start + 4]):
        return False
    return is_listing or any(word in _LIST_WORDS for word in clause[start : start + 8])
