"""Turn a message into sentences, clauses and plain words.

Knows nothing about medicine. Every step is linear in the length of the message.
"""

import re
import unicodedata
from dataclasses import dataclass

MAX_CHARACTERS = 8_000
MAX_CLAUSE_WORDS = 80
COMMA = ","

_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ´`′", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒⁃−", "-"),
        **dict.fromkeys("–—―…()[]", ","),
        **dict.fromkeys("。！？", "."),
        "，": ",",
        "؟": "?",
    }
)
_SENTENCE = re.compile(r"(?<![.!?])[.!?]++(?=\s|$|[\"'])|[;\n]+")
_WORD = re.compile(r"\d+(?:[./]\d+)*|[^\W\d_][^\W_]*|,")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d(?!\d))")
_THOUSANDS_COMMA = re.compile(r"(?<=\d),(?=\d\d\d(?!\d))")
_NOT = re.compile(r"n't\b")
_ANY_MORE = re.compile(r"\bany more\b")
_CLITIC = re.compile(r"'(?P<clitic>m|re|ve|ll|d|s)\b")
_CLITICS = {"m": " am", "re": " are", "ve": " have", "ll": " will", "d": "", "s": ""}

_TAKES_NOT = [
    *("do", "does", "did", "is", "are", "was", "were"),
    *("have", "has", "had", "could", "would", "should"),
]
_SPELLED_OUT: dict[str, tuple[str, ...]] = {
    # typed without the apostrophe
    **{f"{verb}nt": (verb, "not") for verb in _TAKES_NOT},
    **{f"{stem}t": (verb, "not") for stem, verb in (("can", "can"), ("won", "will"))},
    "cannot": ("can", "not"),
    "ca": ("can",),
    "wo": ("will",),
    "aint": ("is", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "whats": ("what",),
    "theres": ("there",),
    "thats": ("that",),
    "whos": ("who",),
    "youre": ("you", "are"),
    "theyre": ("they", "are"),
    "theyve": ("they", "have"),
    "noone": ("no", "one"),
    "hes": ("he", "is"),
    "shes": ("she", "is"),
    "u": ("you",),
    "ur": ("your",),
    "gonna": ("going", "to"),
    "wanna": ("want", "to"),
    "w": ("with",),
}
_CLAUSE_BREAKS = frozenset({"but", "however", "although", "though", "whereas", "except"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as clauses of words; a comma is kept as a word of its own."""

    clauses: tuple[tuple[str, ...], ...]
    is_question: bool


def read_sentences(text: str) -> tuple[Sentence, ...]:
    """Split a message, of which the first 8,000 characters count, into sentences."""
    plain = normalise(text)
    sentences = []
    start = 0
    for mark in _SENTENCE.finditer(plain + "\n"):
        clauses = _split_clauses(_split_words(plain[start : mark.start()]))
        if clauses:
            sentences.append(Sentence(clauses, is_question="?" in mark.group()))
        start = mark.end()
    return tuple(sentences)


def normalise(text: str) -> str:
    """Return lower-case text with plain quotes and dashes and without accents."""
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS].translate(_PUNCTUATION))
    bare = unicodedata.normalize("NFD", folded[:MAX_CHARACTERS].casefold())
    kept = (sign for sign in bare if unicodedata.category(sign) not in {"Mn", "Cf"})
    plain = unicodedata.normalize("NFC", "".join(kept))[:MAX_CHARACTERS]
    return _THOUSANDS_COMMA.sub("", _DECIMAL_COMMA.sub(".", plain))


def _split_words(piece: str) -> list[str]:
    expanded = _CLITIC.sub(lambda found: _CLITICS[found["clitic"]], _NOT.sub(" not", piece))
    words: list[str] = []
    for word in _WORD.findall(_ANY_MORE.sub("anymore", expanded)):
        words.extend(_SPELLED_OUT.get(word, (word,)))
    return words


def _split_clauses(words: list[str]) -> tuple[tuple[str, ...], ...]:
    """Split at "but" and its like, at "and now", and after 80 words."""
    clauses: list[tuple[str, ...]] = []
    start = 0
    for position, word in enumerate(words):
        if word in _CLAUSE_BREAKS:
            clauses.append(tuple(words[start:position]))
            start = position + 1
        elif _opens_clause(words, position) or position - start >= MAX_CLAUSE_WORDS:
            clauses.append(tuple(words[start:position]))
            start = position
    clauses.append(tuple(words[start:]))
    return tuple(clause for clause in clauses if any(word != COMMA for word in clause))


def _opens_clause(words: list[str], position: int) -> bool:
    return words[position] == "now" and position > 0 and words[position - 1] in {"and", COMMA}
