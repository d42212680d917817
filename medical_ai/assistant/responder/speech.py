"""Rows as sentences, each with its citation. Says nothing that is not in a row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from medical_ai.assistant.periods import spoken_day, spoken_slot
from medical_ai.assistant.schemas import Citation
from medical_ai.core import clock

Row = dict[str, Any]
MOST_CITED = 40
MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in Markdown, and where each of its facts stands."""

    text: str
    citations: list[Citation] = field(default_factory=list)


class Whose(StrEnum):
    """How the record is spoken of: a doctor must not read another's medicines as their own."""

    OWN = "your"
    OTHER = "the patient's"

    @property
    def first(self) -> str:
        """The same at the beginning of a sentence."""
        return self[0].upper() + self[1:]


class State(StrEnum):
    """What became of a dose, as a patient sees it."""

    TAKEN = "marked as taken"
    SKIPPED = "marked as skipped"
    OPEN = "not marked"
    MISSED = "not marked, so it counts as missed"
    AHEAD = "still to come"


_ANSWERED = {"taken": State.TAKEN, "skipped": State.SKIPPED, "missed": State.MISSED}


def state_of(row: Row) -> State:
    """Return what became of a dose; one that nobody answered is open from its minute on."""
    if row["status"] in _ANSWERED:
        return _ANSWERED[row["status"]]
    is_due = datetime.fromisoformat(row["due_at"]) <= clock.now()
    return State.OPEN if is_due else State.AHEAD


def of_state(rows: Iterable[Row], *states: State) -> list[Row]:
    """Return the rows in one of the states."""
    return [row for row in rows if state_of(row) in states]


def today_in(zone: ZoneInfo) -> date:
    """Return the patient's date."""
    return clock.now().astimezone(zone).date()


def named_dose(row: Row, today: date) -> str:
    """Return a dose with its medicine: `the 08:00 dose of **X**`, with its day if not today's."""
    day, _, at = row["due_local"].partition("T")
    when = "" if day == today.isoformat() else f" {spoken_day(date.fromisoformat(day), today)}"
    return f"the {at} dose of **{row['medication']}**{when}"


def became(row: Row, today: date, *, day: str = "") -> str:
    """Return what became of a dose, with the moment it was answered.

    `day` is one that was named just before, so that it need not be named again.
    """
    local = row["answered_local"]
    state = state_of(row)
    if not local or state not in {State.TAKEN, State.SKIPPED}:
        return state.value
    answered_on, _, at = local.partition("T")
    is_plain = answered_on == (day or today.isoformat())
    return f"{state.value}, {f'at {at}' if is_plain else spoken_slot(local, today)}"


def dose_lines(
    rows: Sequence[Row], today: date, *, with_day: bool = True, with_state: bool = True
) -> str:
    """Return doses as a list; the end of a very long one is only counted."""
    shown = rows[:MOST_LISTED]
    lines = [f"- {_slot(row, today, with_day=with_day)} **{row['medication']}**" for row in shown]
    if with_state:
        days = [row["due_local"].partition("T")[0] for row in shown]
        told = [became(row, today, day=day) for row, day in zip(shown, days, strict=True)]
        lines = [f"{line}: {state}" for line, state in zip(lines, told, strict=True)]
    if len(rows) > MOST_LISTED:
        lines.append(f"- and {len(rows) - MOST_LISTED} more; **History** has them all")
    return "\n".join(lines)


def _slot(row: Row, today: date, *, with_day: bool) -> str:
    at: str = row["due_local"].partition("T")[2]
    if not with_day or row["due_local"].startswith(today.isoformat()):
        return at
    when = spoken_slot(row["due_local"], today).removeprefix("on ")
    return when[0].upper() + when[1:]


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun: `1 dose`, `3 doses`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def cite_doses(rows: Iterable[Row]) -> list[Citation]:
    """Return the proof of doses; of very many, the first."""
    return [cite_dose(row) for row in rows][:MOST_CITED]


def cite_dose(row: Row) -> Citation:
    """Return where a dose stands: its answer, or its slot as long as there is none."""
    title = f"{row['medication']}, {row['due_local'].replace('T', ' ')}"
    quote = row["status"] if row["status"] in _ANSWERED else row["due_local"]
    return Citation(id=row["id"], title=title, url=row["url"], quote=quote)


def cite_medicine(row: Row) -> Citation:
    """Return where a medicine stands."""
    return Citation(id=row["id"], title=row["name"], url=row["url"], quote=row["name"])


def medicine_line(row: Row, today: date) -> str:
    """Return a medicine with how and when it is taken."""
    how = f" ({row['instructions']})" if row["instructions"] else ""
    return f"**{row['name']}**, {row['summary']}{how}{_course(row, today)}"


def _course(row: Row, today: date) -> str:
    start, end = row["start_on"], row["end_on"]
    if end and date.fromisoformat(end) < today:
        return f"; its last day was {_day(end, today)}"
    if date.fromisoformat(start) > today:
        return f"; begins {_day(start, today)}"
    return f"; its last day is {_day(end, today)}" if end else ""


def _day(day: str, today: date) -> str:
    return spoken_day(date.fromisoformat(day), today).removeprefix("on ")


def looked_at(*where: str) -> str:
    """Return the line that says what was looked at."""
    return f"\n\nLooked at: {' and '.join(where)}."
