"""What is read from the record, and which of it a question means. Reads by tools alone."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from medical_ai.assistant.intents import Intent
from medical_ai.assistant.periods import Span
from medical_ai.assistant.responder.speech import Row, Whose, looked_at
from medical_ai.assistant.responder.texts import DESCRIBED, ONE_NOT_FOUND
from medical_ai.assistant.runs import Run
from medical_ai.assistant.wording import COMMON_WORDS, split_words
from medical_ai.core import clock
from medical_ai.medications.ledger import MAX_LISTED

CallTool = Callable[[str, dict[str, Any]], Sequence[Row]]
SPELLING_CUTOFF = 0.8
SHORTEST_WORD = 3
SHORTEST_GUESSED = 5
MOST_RUNS = 12
# Forms and salts: they stand in many names and tell none apart.
_FORMS = frozenset(
    {"oral", "solution", "release", "modified", "prolonged", "extended", "coated", "film", "drops"}
)


class TooMany(Exception):
    """The ledger gave as much as it can give at once, so that nothing can be counted."""


@dataclass(slots=True)
class Record:
    """The open record, read only when it is asked for."""

    zone: ZoneInfo
    call_tool: CallTool
    whose: Whose = Whose.OWN

    def medicines(self) -> Sequence[Row]:
        """Read the medicine list."""
        return self.call_tool("get_medications", {})

    def doses(self, span: Span) -> list[Row]:
        """Read the doses of a span. Raises TooMany where some may have been left out."""
        rows = list(self.call_tool("get_doses", {"start": span.start, "end": span.end}))
        if len(rows) >= MAX_LISTED:
            raise TooMany
        return rows

    def doses_around(self, before: timedelta, after: timedelta) -> list[Row]:
        """Read the doses from some time ago to some time ahead."""
        now = clock.now()
        return self.doses(Span(now - before, now + after, "", ""))

    def next_doses(self) -> Sequence[Row]:
        """Read the first dose from this minute on, and others of the same minute."""
        return self.call_tool("get_next_dose", {})


@dataclass(frozen=True)
class Meant:
    """Which medicines a question means, among `names` of the list and of doses.

    `found` is empty where none is named. `is_unknown` means that one was named and is nowhere, and
    `looks_like_a_name` that it could be a medicine at all.
    """

    found: frozenset[str]
    guessed: frozenset[str]
    is_unknown: bool
    looks_like_a_name: bool
    is_partly_unknown: bool
    is_described: bool

    @cached_property
    def preface(self) -> str:
        """What has to be said before the answer about how the question was understood."""
        if self.guessed:
            names = " or ".join(f"**{name}**" for name in sorted(self.guessed))
            return f"I take it you mean {names}.\n\n"
        return f"{DESCRIBED}\n\n" if self.is_described and not self.found else ""

    @cached_property
    def afterword(self) -> str:
        """What was named beside it and not found."""
        return f"\n\n{ONE_NOT_FOUND}" if self.is_partly_unknown else ""

    def is_about(self, name: str) -> bool:
        """Tell whether a medicine of this name is meant."""
        return not self.found or name in self.found

    def doses(self, rows: Iterable[Row]) -> list[Row]:
        """Return the doses that are meant."""
        return [row for row in rows if self.is_about(row["medication"])]

    def medicines(self, rows: Iterable[Row]) -> list[Row]:
        """Return the medicines that are meant."""
        return [row for row in rows if self.is_about(row["name"])]


def read_meant(intent: Intent, names: Iterable[str]) -> Meant:
    """Match the words of a question with the names of medicines."""
    by_word = _by_word(names)
    runs = intent.runs[:MOST_RUNS]
    close = [_close_to(run, by_word) for run in runs]
    exact = set().union(*(by_word[word] for word in intent.words & by_word.keys()))
    # A run with an exact name needs no guess: "amlodipine besylate" is not besides something else.
    guessed = set().union(*(names for names in close if names.isdisjoint(exact)))
    missing = _missing(runs, close)
    is_name = any(run.is_name for run in missing)
    found = frozenset(exact | guessed)
    return Meant(
        found=found,
        guessed=frozenset(guessed),
        is_unknown=bool(missing) and not found,
        looks_like_a_name=is_name,
        is_partly_unknown=bool(found) and is_name,
        is_described=any(run.is_description for run in runs),
    )


def _close_to(run: Run, by_word: Mapping[str, set[str]]) -> set[str]:
    return {name for word in run.words for name in _close(word, by_word)}


def _missing(runs: Sequence[Run], close: Sequence[set[str]]) -> list[Run]:
    return [
        run
        for run, names in zip(runs, close, strict=True)
        if not names and run.is_object and not run.is_description
    ]


def _by_word(names: Iterable[str]) -> dict[str, set[str]]:
    """Return names by the words that tell them apart: no figures, no forms, no question words."""
    by_word: dict[str, set[str]] = defaultdict(set)
    for name in names:
        for word in split_words(name):
            if len(word) >= SHORTEST_WORD and word not in _FORMS and word not in COMMON_WORDS:
                by_word[word].add(name)
    return by_word


def _close(word: str, by_word: Mapping[str, set[str]]) -> set[str]:
    """Return the names with this word or one spelt much like it, with the same first letter."""
    if word in by_word or len(word) < SHORTEST_GUESSED:
        return by_word.get(word, set())
    near = [one for one in by_word if one[0] == word[0]]
    close = get_close_matches(word, near, n=1, cutoff=SPELLING_CUTOFF)
    return by_word[close[0]] if close else set()


def not_found(meant: Meant, span: Span, whose: Whose) -> str:
    """Say that a name is nowhere, and where it was looked for."""
    where = looked_at(f"{whose} medicine list", f"the doses of {span.label}")
    if meant.looks_like_a_name:
        return f"There is no medicine by that name on {whose} list, nor among the doses.{where}"
    return (
        f"I find nothing like that on {whose} medicine list or among the doses. I can only answer "
        f"about {whose} medicines.{where}"
    )
