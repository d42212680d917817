"""Mend one-letter slips, towards the words the red-flag data knows.

In long words a dropped, doubled or swapped letter is mended; a changed letter is not, because
that turns real words into other real words ("swearing", "sweating"). Words that raise an alarm
are mended more readily, and the data lists the harmless words that must not be taken for them.
"""

from collections.abc import Iterable

MIN_LETTERS = 6
MAX_LETTERS = 20
MIN_SWAPPED_LETTERS = 4
MIN_DROPPED_LETTERS = 6
MIN_CHANGED_LETTERS = 7
_ANY = "?"


class Speller:
    """Maps a misspelt word to a known one, or to itself. Linear in the letters of the word."""

    def __init__(
        self,
        known: Iterable[str],
        *,
        alarming: Iterable[str] = (),
        harmless: frozenset[str] = frozenset(),
    ) -> None:
        self._known = frozenset(word for word in known if len(word) >= MIN_LETTERS)
        self._shortened = {
            short: word for word in sorted(self._known) for short in _without_one_letter(word)
        }
        self._harmless = harmless
        self._slips = {slip: word for word in sorted(alarming) for slip in _slips(word)}

    def mend(self, word: str) -> str:
        """Return the known word one slip away from this one, if there is one."""
        if word in self._harmless or not MIN_SWAPPED_LETTERS <= len(word) <= MAX_LETTERS:
            return word
        if len(word) >= MIN_LETTERS and (mended := self._mend_long(word)):
            return mended
        return self._mend_alarming(word)

    def _mend_long(self, word: str) -> str | None:
        if word in self._known:
            return word
        if word in self._shortened:
            return self._shortened[word]
        attempts = (*_swapped(word), *_without_one_letter(word))
        return next((attempt for attempt in attempts if attempt in self._known), None)

    def _mend_alarming(self, word: str) -> str:
        if word in self._slips:
            return self._slips[word]
        keys = (*(f"+{short}" for short in _without_inner_letter(word)), *_blanked(word))
        return next((self._slips[key] for key in keys if key in self._slips), word)


def _slips(word: str) -> Iterable[str]:
    """Yield the slips of an alarming word: as they are written, or as keys of ``mend``.

    A short word has too many neighbours that are words themselves, so less is mended there.
    """
    yield from _swapped(word)
    if len(word) > MIN_SWAPPED_LETTERS:
        yield f"+{word}"
    if len(word) >= MIN_DROPPED_LETTERS:
        yield from _without_one_letter(word)
    if len(word) >= MIN_CHANGED_LETTERS:
        yield from _blanked(word)


def _without_one_letter(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(1, len(word)))


def _without_inner_letter(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(1, len(word) - 1))


def _blanked(word: str) -> Iterable[str]:
    return (word[:i] + _ANY + word[i + 1 :] for i in range(1, len(word)))


def _swapped(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1))
