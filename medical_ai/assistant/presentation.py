"""How answers are shown on a page: advice with numbers to call, links to what is cited.

Pure. A page's address is the API's address under `/app`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from medical_ai.assistant.schemas import Citation, HistoryMessage, TriageRead

PAGES = "/app"
# A telephone number as advice spells it: at least three digits, in groups at most one sign apart.
TELEPHONE = re.compile(r"(?<![\w.,/-])\d(?:[ -]?\d){2,13}(?![\w%/]|[.,]\d)")
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


def body_of(message: HistoryMessage) -> str:
    """Return the answer without the advice that its panel shows already."""
    if message.triage is not None and is_pressing(message.triage):
        return message.text.removeprefix(message.triage.advice).strip()
    return message.text


def page_of(citation: Citation) -> str:
    """Return the page for what is cited; empty where its address is not one of ours."""
    is_ours = citation.url.startswith("/") and not citation.url.startswith("//")
    return PAGES + citation.url if is_ours else ""


def tool_name(name: str) -> str:
    """Return what a tool does, in words for a patient."""
    return TOOL_NAMES.get(name, name.replace("_", " ").capitalize())
