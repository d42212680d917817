"""Mend one-letter slips in long words, towards the words the red-flag data knows.

Only a dropped, doubled or swapped letter is mended; a changed letter is not, because that
turns real words into other real words ("swearing", "sweating").
"""

from collections.abc import Iterable

MIN_LETTERS = 6
MAX_LETTERS = 20


class Speller:
    """Maps a misspelt word to a known one, or to itself."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(word for word in known if len(word) >= MIN_LETTERS)
        self._shortened = {
            short: word for word in sorted(self._known) for short in _without_one_letter(word)
        }

    def mend(self, word: str) -> str:
        """Return the known word one slip away from this one, if there is one."""
        if not MIN_LETTERS <= len(word) <= MAX_LETTERS or word in self._known:
            return word
        if word in self._shortened:
            return self._shortened[word]
        for attempt in (*_swapped(word), *_without_one_letter(word)):
            if attempt in self._known:
                return attempt
        return word


def _without_one_letter(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(1, len(word)))


def _swapped(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1))
