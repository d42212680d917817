"""How answers are shown on a page: advice with numbers to call, links to what is cited.

Pure. A page's address is the API's address under `/app`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from medical_ai.assistant.schemas import Citation, HistoryMessage, TriageRead

PAGES = "/app"
# A telephone number as advice spells it: at least three digits, in groups at most one sign apart.
TELEPHONE = re.compile(r"(?<![\w.,/-])\d(?:[ -]?\d){2,13}(?![\w%/]|[.,]\d)")
ISO_DAY = re.compile(r"(?<![\w-])(\d{4}-\d\d-\d\d)(?![\w-])( (?=\d\d:\d\d))?")
SENTENCE = re.compile(r"[^.!?]+(?:[.!?]+\s*|$)")
PRESSING = frozenset({"emergency", "urgent"})
SUGGESTIONS = (
    "When is my next dose?",
    "What am I taking?",
    "Did I take my medicine this morning?",
)
STAFF_SUGGESTIONS = ("What can you do?",)
TOOL_NAMES = {
    "get_medications": "Looked at the medicine list",
    "get_doses": "Looked at the planned and past doses",
    "get_next_dose": "Looked up the next dose",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of advice; `call` is the number to dial where it is a telephone number."""

    text: str
    call: str = ""


def spoken_advice(advice: str) -> list[Words]:
    """Split advice into words and telephone numbers."""
    return list(_split(advice))


def first_number(advice: str) -> Words | None:
    """Return the number that the advice names first."""
    return next((words for words in _split(advice) if words.call), None)


def _split(advice: str) -> Iterator[Words]:
    done = 0
    for match in TELEPHONE.finditer(advice):
        if match.start() > done:
            yield Words(advice[done : match.start()])
        yield Words(match.group(), re.sub(r"\D", "", match.group()))
        done = match.end()
    if done < len(advice):
        yield Words(advice[done:])


def is_pressing(triage: TriageRead | None) -> bool:
    """Tell whether the advice stands above the answer in a panel of its own."""
    return triage is not None and triage.level in PRESSING


def with_panels(messages: Iterable[HistoryMessage]) -> Iterator[tuple[HistoryMessage, str]]:
    """Pair each message with its panel: `full`, `brief` for a reminder of it, or none.

    What keeps a conversation pressing is said in full once; later messages that bring no warning
    sign of their own only remind of it, or the panel would be read past when it matters.
    """
    has_panel = False
    for message in messages:
        panel = ""
        if message.triage is not None and is_pressing(message.triage):
            panel = "brief" if has_panel and not message.triage.rules else "full"
            has_panel = True
        yield message, panel


def brief_advice(advice: str) -> str:
    """Return the advice up to the sentence that names a number; its first one without any."""
    sentences = SENTENCE.findall(advice)
    if first_number(advice) is None:
        return sentences[0].strip() if sentences else advice
    until = next((i for i, one in enumerate(sentences) if first_number(one)), len(sentences))
    return "".join(sentences[: until + 1]).strip()


def spoken_days(text: str) -> str:
    """Return a text with its days as they are said: `20 November 2026` for `2026-11-20`."""
    return ISO_DAY.sub(_spoken_day, text)


def _spoken_day(match: re.Match[str]) -> str:
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        return match[0]
    return f"{day:%-d %B %Y}" + (", " if match[2] else "")


def body_of(message: HistoryMessage) -> str:
    """Return the answer without the advice that its panel shows already."""
    if message.triage is not None and is_pressing(message.triage):
        return spoken_days(message.text.removeprefix(message.triage.advice).strip())
    return spoken_days(message.text)


def page_of(citation: Citation) -> str:
    """Return the page for what is cited; empty where its address is not one of ours."""
    is_ours = citation.url.startswith("/") and not citation.url.startswith("//")
    return PAGES + citation.url if is_ours else ""


def tool_name(name: str) -> str:
    """Return what a tool does, in words for a patient."""
    return TOOL_NAMES.get(name, name.replace("_", " ").capitalize())
