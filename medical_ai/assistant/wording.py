"""What a patient types, as plain question words. Pure; knows words, not records.

Slips of the thumb are mended towards a small list of question words and nothing else, so that the
name of a medicine is never bent into one. Every step is linear in the length of the message.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from medical_ai.assistant.triage.text import normalise

OTHER = "@x"
NUMBER = "@n"
CLOSE_ENOUGH = 0.82
SHORTEST_MENDED = 3


def words_of(spelt: str) -> frozenset[str]:
    """Return the words of a list that is written as a line of text."""
    return frozenset(spelt.split())


_WORD = re.compile(r"[^\W_]+")
_CLITIC = re.compile(r"([^\W\d_]+)'([a-z]+)")
_CLITICS = {"m": "am", "re": "are", "ve": "have", "ll": "will", "d": "would"}
_TAKES_IS = words_of("what when where who how that it there time which")

MEDICINE_WORDS = words_of(
    "pill pills tablet tablets medicine medicines medication medications med meds drug drugs "
    "capsule capsules injection injections prescription prescriptions"
)
_TAKE_NOT = ("do", "did", "does", "is", "was", "has", "have", "should", "could")
_SHORT: dict[str, str] = {
    **dict.fromkeys(MEDICINE_WORDS, "medicine"),
    **{f"{verb}nt": f"{verb} not" for verb in _TAKE_NOT},
    **{"cannot": "can not", "dunno": "do not know", "whens": "when is"},
    **{"cant": "can not", "wont": "will not", "wats": "what is"},  # codespell:ignore cant,wont
    **{"whats": "what is", "whos": "who is"},  # codespell:ignore whats,whos
    **{"im": "i am", "ive": "i have", "tho": "though"},
    **{"u": "you", "r": "are", "ur": "your", "wot": "what", "pls": "please"},
    **{"tonite": "tonight", "2nite": "tonight", "2night": "tonight", "2day": "today"},
    **{"2moro": "tomorrow", "tmrw": "tomorrow", "tomoz": "tomorrow", "nite": "night"},
    **{"doses": "dose", "dosage": "dose", "eve": "evening", "midday": "noon", "lunchtime": "lunch"},
    **{"supper": "dinner", "teatime": "dinner", "dinnertime": "dinner", "thankyou": "thank you"},
    **{"mornings": "morning", "evenings": "evening", "nights": "night"},
    **{"mom": "mum", "mother": "mum", "mummy": "mum", "thx": "thanks", "forgotten": "forgot"},
}
_QUESTION_WORDS = """
when what which take taken took taking tablet tablets pill pills medicine medicines medication
medications dose doses today tonight yesterday tomorrow morning afternoon evening night next miss
missed skip skipped many often last week days monday tuesday wednesday thursday friday saturday
sunday have remember everything anything bedtime should reminder remind marked prescribed already
breakfast lunch dinner weekend effects supposed swallowed
"""
_REAL_WORDS = words_of(
    "table tables man men head died does wheat talking token haven whom them then than their "
    "nothing hate has had mist risk missing mark marks marks mean meal want went week day lot "
    "list best rest dead done door skin ski ten tan tea tale tall till ill pull daisy note"
)
"""Words one letter away from a question word that mean themselves."""

_COMMON = """
a about after again ago all almost already also always am an and another any anyone anything are as
ask at away back bad be because been before begin being better bit bring but by can change check
close could day days delete did do doctor does doing done down drink drive due during each early
earlier either else enough evening ever every everything exactly far few fine first food for forget
forgot from get give given go going good got had has have having hello help here hey hi hospital how
i if in instead into is it its itself just keep know last late later least leave left let like list
long look made make many mark marked may maybe me meal mean might mine mistake moment month months
more most much must my need needed needs never next no none not nothing now nurse of off ok okay
old on once one ones only or other our out over own people pharmacist place please put question
quite really record recorded remaining remember remind reminder right said same say schedule see
set shall she should show since so some something soon sorry start still stop stopped stopping such
supposed sure take taken takes taking tell than thank thanks that the their them then there these
they thing things think this those though through time times to today together tomorrow tonight too
took twice two under until unless up us use used using usual usually very want was water way we week
weekend weeks well were what when where whether which while who why will with without wondering
work would year years yes yesterday yet you your yours cheers bye great lovely ta cool perfect
account password profile email conversation
add adding alarm log logged write note tick ticked finished scheduled planned prescribed current
currently often dose miss missed skip skipped mg mcg ml units hour hours minute minutes clock am pm
morning noon afternoon night bedtime breakfast lunch dinner
monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
fridays saturdays sundays january february march april june july august september october november
december fortnight past ahead daily weekly monthly regular regularly lately recently
safe safely side effect effects alcohol wine beer interact interaction interactions mix overdose
double extra advice advise risk dangerous allowed pregnant crush swallow swallowed half
her his he she him hers husband wife son daughter mum dad father brother sister baby child kid kids
friend partner grandma gran granny grandad nan neighbour boyfriend girlfriend uncle aunt children
one two three four five six seven eight nine ten twelve fourteen thirty
human robot real person ai bot machine computer private privacy data secure confidential encrypted
share shared read reads sees name called eat eaten took meant quick wonder tried try
"""
COMMON_WORDS = (
    frozenset(_COMMON.split())
    | frozenset(_SHORT)
    | frozenset(_QUESTION_WORDS.split())
    | {word for spelt in _SHORT.values() for word in spelt.split()}
)
"""Words that say how something is asked; whatever is none of them may be the name of a medicine."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message as words: `raw` as typed, `plain` beside it as question words.

    In `plain` all words for a medicine are `medicine`, what may be a name is `@x`, and what has a
    figure in it is `@n`.
    """

    raw: tuple[str, ...]
    plain: tuple[str, ...]
    asks: bool

    @property
    def text(self) -> str:
        """The plain words between spaces, so that a phrase is found by containment."""
        return f" {' '.join(self.plain)} "


def read_words(message: str) -> Said:
    """Split a message into words and mend what is slightly misspelt."""
    smooth = _CLITIC.sub(_spell_out, normalise(message))
    raw: list[str] = []
    plain: list[str] = []
    for word in _WORD.findall(smooth):
        said = _plain_words(word)
        raw.extend([word] * len(said))
        plain.extend(said)
    return Said(tuple(raw), tuple(plain), asks=message.rstrip().endswith(("?", "？")))


def split_words(name: str) -> list[str]:
    """Return the words of a name, without figures, in lower case."""
    return [word for word in _WORD.findall(normalise(name)) if word.isalpha()]


def has_any(text: str, phrases: Iterable[str]) -> bool:
    """Tell whether one of the phrases stands in a text of plain words."""
    return any(f" {phrase} " in text for phrase in phrases)


def _spell_out(found: re.Match[str]) -> str:
    word, tail = found.groups()
    if tail == "t" and word.endswith("n"):
        stem = {"can": "can", "won": "will", "shan": "shall"}.get(word, word[:-1])
        return f"{stem} not"
    if tail == "s":
        return f"{word} is" if word in _TAKES_IS else word
    return f"{word} {_CLITICS.get(tail, tail)}"


def _plain_words(word: str) -> list[str]:
    if word not in COMMON_WORDS:
        if any(sign.isdigit() for sign in word):
            return [NUMBER]
        word = _mend(word)
    if word not in COMMON_WORDS:
        return [OTHER]
    return _SHORT.get(word, word).split()


def _mend(word: str) -> str:
    """Return the question word this one is a slip of, or the word itself."""
    if len(word) < SHORTEST_MENDED or word in _REAL_WORDS:
        return word
    near = [one for one in _mendable().get(word[0], ()) if abs(len(one) - len(word)) <= 1]
    swapped = next((one for one in near if _is_swapped(word, one)), None)
    close = get_close_matches(word, near, n=1, cutoff=CLOSE_ENOUGH)
    return swapped or (close[0] if close else word)


def _is_swapped(word: str, other: str) -> bool:
    return len(word) == len(other) and sorted(word) == sorted(other)


@cache
def _mendable() -> dict[str, tuple[str, ...]]:
    words = sorted(_QUESTION_WORDS.split())
    return {word[0]: tuple(one for one in words if one[0] == word[0]) for word in words}
