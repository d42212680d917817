"""The embedded responder: answers from the record by calling tools, with no model.

Every sentence about the record comes from a row that a tool read and carries its citation. What
was not found is said; nothing is guessed, and no dose is ever suggested.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from medical_ai.assistant.intents import PART_HOURS, DayPart, Intent, IntentKind, read_intent
from medical_ai.assistant.schemas import Citation
from medical_ai.core import clock
from medical_ai.medications.ledger import bounds_of
from medical_ai.medications.schemas import medicine_words

Row = dict[str, Any]
CallTool = Callable[[str, dict[str, Any]], Sequence[Row]]
SPELLING_CUTOFF = 0.8

ABILITIES = (
    "I can tell you from your own record:\n\n"
    "- when your next dose is\n"
    "- what you are taking, and when\n"
    "- whether a dose was taken today or yesterday\n\n"
    "I cannot diagnose, and I do not set or change doses. For that, ask your doctor or pharmacist."
)
UNCLEAR = "I am not sure what you would like to know, so I have not looked anything up.\n\n"
NO_RECORD = (
    "This account has no record of its own, so there is nothing I could read. "
    "Say whose record you mean by opening it first."
)
STATUS_WORDS = {
    "planned": "still to come",
    "due": "due now and not marked yet",
    "sending": "due now and not marked yet",
    "sent": "not marked yet",
    "seen": "not marked yet",
    "taken": "marked as taken",
    "skipped": "marked as skipped",
    "missed": "not marked, so it counts as missed",
}


UNMARKED = frozenset({"due", "sending", "sent", "seen", "missed"})
NOT_MARKED = (
    "Not marked does not mean not taken. If you are not sure, do not take it again to be safe: "
    "ask your pharmacist or doctor."
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in Markdown, and where each of its facts stands."""

    text: str
    citations: list[Citation] = field(default_factory=list)


def respond(text: str, *, zone: ZoneInfo | None, call_tool: CallTool) -> Reply:
    """Answer a question. `zone` is the patient's; None where there is no record to read."""
    intent = read_intent(text)
    if intent.kind is IntentKind.HELP:
        return Reply(ABILITIES)
    if intent.kind is IntentKind.UNKNOWN:
        return Reply(UNCLEAR + ABILITIES)
    if zone is None:
        return Reply(NO_RECORD)
    return _ANSWERS[intent.kind](intent, zone, call_tool)


def _next_dose(intent: Intent, zone: ZoneInfo, call_tool: CallTool) -> Reply:
    medicine = _find_medicine(intent, call_tool)
    if medicine is _UNKNOWN_NAME:
        return Reply(_NOT_ON_LIST)
    rows = call_tool("get_next_dose", {})
    if medicine is not None:
        until = clock.now() + timedelta(days=2)
        ahead = call_tool("get_doses", {"start": clock.now(), "end": until})
        answered = {"taken", "skipped"}
        rows = [r for r in ahead if _is_of(r, medicine) and r["status"] not in answered][:1]
    if not rows:
        return Reply("Your record has no dose planned in the next two days.")
    when = _spoken_slot(rows[0]["due_local"], _today(zone))
    names = " and ".join(f"**{row['medication']}**" for row in rows)
    return Reply(f"Your next dose is {names}, {when}.", [_cite_dose(row) for row in rows])


def _medicines(_intent: Intent, _zone: ZoneInfo, call_tool: CallTool) -> Reply:
    rows = call_tool("get_medications", {})
    if not rows:
        return Reply("There is no medicine on your list.")
    lines = [f"- **{row['name']}**, {row['summary']}{_how(row)}" for row in rows]
    count = "one medicine" if len(rows) == 1 else f"{len(rows)} medicines"
    return Reply(
        f"Your list has {count}:\n\n" + "\n".join(lines),
        [_cite_medicine(row) for row in rows],
    )


def _was_taken(intent: Intent, zone: ZoneInfo, call_tool: CallTool) -> Reply:
    medicine = _find_medicine(intent, call_tool)
    if medicine is _UNKNOWN_NAME:
        return Reply(_NOT_ON_LIST)
    rows = [row for row in _doses_of(intent, zone, call_tool) if _is_of(row, medicine)]
    if not rows:
        name = f" of {medicine['name']}" if medicine else ""
        when = _spoken_when(intent)
        return Reply(f"Your record has no dose{name} planned {when}, so it cannot tell.")
    return Reply(_spoken_doses(rows, zone), [_cite_dose(row) for row in rows])


def _is_of(row: Row, medicine: Row | None) -> bool:
    return medicine is None or row["medication"] == medicine["name"]


def _doses_of_day(intent: Intent, zone: ZoneInfo, call_tool: CallTool) -> Reply:
    rows = _doses_of(intent, zone, call_tool)
    if not rows:
        return Reply(f"Your record has no dose planned {_spoken_when(intent)}.")
    lines = [
        f"- {_clock_of(row)} **{row['medication']}**: {STATUS_WORDS[row['status']]}" for row in rows
    ]
    return Reply("\n".join(lines), [_cite_dose(row) for row in rows])


_ANSWERS: dict[IntentKind, Callable[[Intent, ZoneInfo, CallTool], Reply]] = {
    IntentKind.NEXT_DOSE: _next_dose,
    IntentKind.MEDICINES: _medicines,
    IntentKind.WAS_TAKEN: _was_taken,
    IntentKind.DOSES_OF_DAY: _doses_of_day,
}
_UNKNOWN_NAME: Row = {}
_NOT_ON_LIST = (
    "I find no medicine by that name on your list, so your record says nothing about it. "
    "Stopped medicines are not on the list."
)


def _find_medicine(intent: Intent, call_tool: CallTool) -> Row | None:
    """Return the medicine a question names; None for none, `_UNKNOWN_NAME` for one not listed."""
    rows = call_tool("get_medications", {})
    by_word = {word: row for row in rows for word in medicine_words(row["name"])}
    for word in sorted(intent.words):
        close = get_close_matches(word, by_word, n=1, cutoff=SPELLING_CUTOFF)
        if close:
            return by_word[close[0]]
    return _UNKNOWN_NAME if intent.named else None


def _doses_of(intent: Intent, zone: ZoneInfo, call_tool: CallTool) -> list[Row]:
    day = _today(zone) - timedelta(days=intent.days_back)
    start, end = bounds_of(day, zone)
    if intent.part is DayPart.NIGHT:
        end += timedelta(hours=PART_HOURS[DayPart.NIGHT][1] - 24)
    rows = call_tool("get_doses", {"start": start, "end": end})
    return list(_in_part(rows, day, intent.part))


def _in_part(rows: Sequence[Row], day: date, part: DayPart | None) -> Iterator[Row]:
    for row in rows:
        slot_day, _, at = row["due_local"].partition("T")
        hour = int(at[:2]) + (0 if slot_day == day.isoformat() else 24)
        if part is None or PART_HOURS[part][0] <= hour < PART_HOURS[part][1]:
            yield row


def _today(zone: ZoneInfo) -> date:
    return clock.now().astimezone(zone).date()


def _spoken_slot(slot: str, today: date) -> str:
    day, _, at = slot.partition("T")
    days_ahead = (date.fromisoformat(day) - today).days
    spoken = {0: "today", 1: "tomorrow"}.get(days_ahead, f"on {day}")
    return f"{spoken} at **{at}**"


def _spoken_when(intent: Intent) -> str:
    day = {1: "yesterday", -1: "tomorrow"}.get(intent.days_back, "today")
    if intent.part is None:
        return day
    if day == "today":
        return "tonight" if intent.part is DayPart.NIGHT else f"this {intent.part.value}"
    return f"{day} {intent.part.value}"


def _spoken_doses(rows: Sequence[Row], zone: ZoneInfo) -> str:
    lines = [_spoken_dose(row, zone) for row in rows]
    text = lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    return f"{text}\n\n{NOT_MARKED}" if any(row["status"] in UNMARKED for row in rows) else text


def _spoken_dose(row: Row, zone: ZoneInfo) -> str:
    at = _clock_of(row)
    what = f"the {at} dose of **{row['medication']}**"
    if row["status"] == "taken":
        return f"Yes: {what} is marked as taken{_answered(row, zone)}."
    if row["status"] == "skipped":
        return f"No: {what} is marked as skipped{_answered(row, zone)}."
    return f"Your record does not say so: {what} is {STATUS_WORDS[row['status']]}."


def _clock_of(row: Row) -> str:
    at: str = row["due_local"].partition("T")[2]
    return at


def _answered(row: Row, zone: ZoneInfo) -> str:
    local = row["answered_local"]
    if not local:
        return ""
    day, _, at = local.partition("T")
    return f", at {at}" if day == _today(zone).isoformat() else f", on {day} at {at}"


def _how(row: Row) -> str:
    return f" ({row['instructions']})" if row["instructions"] else ""


def _cite_dose(row: Row) -> Citation:
    title = f"{row['medication']}, {row['due_local'].replace('T', ' ')}"
    answered = row["status"] in {"taken", "skipped", "missed"}
    quote = row["status"] if answered else row["due_local"]
    return Citation(id=row["id"], title=title, url=row["url"], quote=quote)


def _cite_medicine(row: Row) -> Citation:
    return Citation(id=row["id"], title=row["name"], url=row["url"], quote=row["name"])
