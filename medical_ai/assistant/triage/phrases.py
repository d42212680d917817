"""The small pattern language of the red-flag data, and a matcher that cannot blow up.

A phrase is words in order; the header of ``red_flags.toml`` explains it for its editors.
Matching keeps a set of positions per slot instead of backtracking, so its cost is bounded by
the words of a clause times the phrases that could start there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medical_ai.assistant.triage.text import COMMA

GAPS = {"~": 3, "~~": 7}
MAX_FILLERS = 4
MIN_PREFIX_LETTERS = 2
_BARRIERS = frozenset({"no", "not", "without", "denies", "denied", "nor", "never"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a phrase: the words it takes and how far before it may be skipped."""

    words: frozenset[str]
    prefixes: tuple[str, ...]
    takes_number: bool = False
    is_optional: bool = False
    gap: int = 0

    def accepts(self, word: str) -> bool:
        """Say whether the word fits here."""
        if word in self.words or (self.takes_number and word[0].isdigit()):
            return True
        return bool(self.prefixes) and word.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Match:
    """Where a phrase of ``owner`` was found: words ``start`` up to, not including, ``end``."""

    owner: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Phrase:
    owner: str
    slots: tuple[Slot, ...]


def compile_slots(phrase: str, classes: Mapping[str, tuple[str, ...]]) -> tuple[Slot, ...]:
    """Read one phrase. Raises ValueError naming the phrase when it is malformed."""
    slots: list[Slot] = []
    gap = 0
    for part in phrase.split():
        if part in GAPS:
            gap = GAPS[part]
            continue
        slots.append(_compile_slot(part, gap, classes))
        gap = 0
    if not slots or slots[0].is_optional or slots[0].gap or gap:
        raise ValueError(f"phrase {phrase!r}: must begin and end with a word")
    return tuple(slots)


def _compile_slot(part: str, gap: int, classes: Mapping[str, tuple[str, ...]]) -> Slot:
    is_optional = part.endswith("?")
    words: set[str] = set()
    prefixes: list[str] = []
    for choice in _choices(part.removesuffix("?"), classes):
        if choice.endswith("*"):
            prefixes.append(choice[:-1])
        else:
            words.add(choice)
    if any(len(prefix) < MIN_PREFIX_LETTERS for prefix in prefixes):
        raise ValueError(f"{part!r}: a beginning needs at least {MIN_PREFIX_LETTERS} letters")
    takes_number = "#" in words
    return Slot(frozenset(words - {"#"}), tuple(prefixes), takes_number, is_optional, gap)


def _choices(part: str, classes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for choice in part.split("/"):
        if not choice.startswith("@"):
            yield choice
        elif choice[1:] in classes:
            yield from classes[choice[1:]]
        else:
            raise ValueError(f"unknown word class {choice}")


class PhraseBook:
    """Phrases indexed by the word they begin with."""

    def __init__(
        self,
        phrases: Iterable[tuple[str, str]],
        *,
        classes: Mapping[str, tuple[str, ...]],
        fillers: frozenset[str],
    ) -> None:
        self._fillers = fillers
        self._by_word: dict[str, list[_Phrase]] = defaultdict(list)
        self._by_prefix: dict[str, list[_Phrase]] = defaultdict(list)
        self._by_number: list[_Phrase] = []
        self._starting: dict[str, tuple[_Phrase, ...]] = {}
        words: set[str] = set()
        prefixes: set[str] = set()
        for owner, text in phrases:
            phrase = _Phrase(owner, compile_slots(text, classes))
            self._index(phrase)
            words.update(*(slot.words for slot in phrase.slots))
            prefixes.update(*(slot.prefixes for slot in phrase.slots))
        self.words = frozenset(words)
        self._prefixes = tuple(sorted(prefixes))

    def knows(self, word: str) -> bool:
        """Say whether the word fits anywhere in these phrases as it is spelt."""
        return word in self.words or word.startswith(self._prefixes)

    def find(self, words: Sequence[str]) -> list[Match]:
        """Return every match in one clause, in order of where it begins."""
        seen = frozenset(words)
        possible: dict[str, list[_Phrase]] = {
            word: [p for p in self._phrases_starting(word) if _could_match(p, seen)]
            for word in seen
        }
        matches = []
        for start, word in enumerate(words):
            for phrase in possible[word]:
                end = self._match(phrase.slots, words, start)
                if end is not None:
                    matches.append(Match(phrase.owner, start, end))
        return matches

    def _index(self, phrase: _Phrase) -> None:
        first = phrase.slots[0]
        for word in first.words:
            self._by_word[word].append(phrase)
        for prefix in first.prefixes:
            self._by_prefix[prefix].append(phrase)
        if first.takes_number:
            self._by_number.append(phrase)

    def _phrases_starting(self, word: str) -> tuple[_Phrase, ...]:
        known = self._starting.get(word)
        if known is None:
            found = list(self._by_word.get(word, ()))
            for length in range(MIN_PREFIX_LETTERS, min(len(word), 20) + 1):
                found.extend(self._by_prefix.get(word[:length], ()))
            if word[0].isdigit():
                found.extend(self._by_number)
            known = tuple(found)
            if word in self._by_word:  # keep only the data's own words, never a patient's
                self._starting[word] = known
        return known

    def _match(self, slots: tuple[Slot, ...], words: Sequence[str], start: int) -> int | None:
        ends = {start + 1}
        for slot in slots[1:]:
            reached = {after for end in ends for after in self._reach(slot, words, end)}
            ends = reached | ends if slot.is_optional else reached
            if not ends:
                return None
        return min(ends)

    def _reach(self, slot: Slot, words: Sequence[str], start: int) -> Iterator[int]:
        """Yield the positions after the slot, skipping fillers and, in a gap, other words."""
        gap, fillers = slot.gap, MAX_FILLERS
        for position in range(start, min(len(words), start + gap + MAX_FILLERS + 1)):
            word = words[position]
            if slot.accepts(word):
                yield position + 1
            if word in self._fillers and fillers:
                fillers -= 1
            elif gap and _may_skip(word, slot.gap):
                gap -= 1
            else:
                return


def _may_skip(word: str, gap: int) -> bool:
    return word not in _BARRIERS and (word != COMMA or gap > GAPS["~"])


def _could_match(phrase: _Phrase, seen: frozenset[str]) -> bool:
    """Rule a phrase out cheaply when one of its words is nowhere in the clause."""
    return all(slot.is_optional or _in_clause(slot, seen) for slot in phrase.slots[1:])


def _in_clause(slot: Slot, seen: frozenset[str]) -> bool:
    if not slot.words.isdisjoint(seen):
        return True
    return (bool(slot.prefixes) or slot.takes_number) and any(slot.accepts(w) for w in seen)
