"""Find the clinical concepts of a message, each with how it is meant.

Decides nothing about urgency; that is the rules' part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from medical_ai.assistant.triage.context import Clause, Reading, Readings, read_sentence
from medical_ai.assistant.triage.phrases import Match, PhraseBook
from medical_ai.assistant.triage.spelling import Speller
from medical_ai.assistant.triage.text import Sentence, read_sentences
from medical_ai.assistant.triage.vitals import find_readings
from medical_ai.knowledge.red_flags import RedFlags, get_red_flags

_IDIOM = "idiom"


@dataclass(frozen=True, slots=True)
class Findings:
    """Concept ids that count as there now, and those only asked about or imagined."""

    present: frozenset[str]
    supposed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Books:
    concepts: PhraseBook
    idioms: PhraseBook
    cues: PhraseBook
    speller: Speller


def find_concepts(text: str) -> Findings:
    """Return the concepts of a message, with those they imply."""
    red_flags = get_red_flags()
    mentions = {reading: set[str]() for reading in Reading}
    sentences = _mend(read_sentences(text))
    for index, sentence in enumerate(sentences):
        following = sentences[index + 1] if index + 1 < len(sentences) else None
        readings = read_sentence(sentence, cues=_books().cues, following=following)
        for clause, clause_readings in zip(sentence.clauses, readings, strict=True):
            for concept, reading in _read_mentions(clause, clause_readings, red_flags):
                mentions[reading].add(concept)
    concepts = red_flags.concepts
    lasting = {name for name in mentions[Reading.PAST] if concepts[name].is_lasting}
    asked = {name for name in mentions[Reading.SUPPOSED] if concepts[name].counts_when_asked}
    return Findings(
        present=_with_implied(mentions[Reading.PRESENT] | lasting | asked, red_flags),
        supposed=_with_implied(mentions[Reading.SUPPOSED], red_flags),
    )


@cache
def _books() -> _Books:
    red_flags = get_red_flags()
    language = red_flags.language

    def book(phrases: list[tuple[str, str]]) -> PhraseBook:
        return PhraseBook(phrases, classes=language.words, fillers=language.fillers)

    concepts = book([(c.id, phrase) for c in red_flags.concepts.values() for phrase in c.phrases])
    return _Books(
        concepts=concepts,
        idioms=book([(_IDIOM, phrase) for phrase in language.idioms]),
        cues=book(
            [(kind, phrase) for kind, phrases in language.cues.items() for phrase in phrases]
        ),
        speller=Speller(concepts.words, alarming=language.alarming, harmless=language.harmless),
    )


def _mend(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Correct the words the phrases do not know as they are spelt."""
    books = _books()

    def mend(word: str) -> str:
        return word if books.concepts.knows(word) else books.speller.mend(word)

    return [
        Sentence(
            tuple(tuple(mend(word) for word in clause) for clause in sentence.clauses),
            sentence.is_question,
        )
        for sentence in sentences
    ]


def _read_mentions(
    clause: Clause, readings: Readings, red_flags: RedFlags
) -> list[tuple[str, Reading]]:
    idioms = _books().idioms.find(clause)
    said = [
        (match.owner, readings[match.start])
        for match in _books().concepts.find(clause)
        if not _is_idiom(match, idioms)
    ]
    measured = [
        (measure.concept, readings[reading.position])
        for reading in find_readings(clause)
        for measure in red_flags.measures
        if measure.quantity == reading.quantity and measure.holds(reading.value)
    ]
    return said + measured


def _is_idiom(match: Match, idioms: Sequence[Match]) -> bool:
    """Say whether a figure of speech covers the match; one that goes on beyond it stands."""
    return any(
        match.start < idiom.end
        and idiom.start < match.end
        and not (match.start < idiom.start and match.end >= idiom.end)
        and match.end <= idiom.end
        for idiom in idioms
    )


def _with_implied(found: set[str], red_flags: RedFlags) -> frozenset[str]:
    known = set(found)
    waiting = list(found)
    while waiting:
        for parent in red_flags.concepts[waiting.pop()].is_a:
            if parent not in known:
                known.add(parent)
                waiting.append(parent)
    return frozenset(known)
