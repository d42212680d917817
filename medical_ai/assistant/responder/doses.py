"""Answers from the dose ledger: what was taken, what was not, what comes next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from medical_ai.assistant.intents import Intent
from medical_ai.assistant.periods import Period, Span, span_of
from medical_ai.assistant.responder import medicines, texts
from medical_ai.assistant.responder.record import Meant, Record, not_found, read_meant
from medical_ai.assistant.responder.speech import (
    Reply,
    Row,
    State,
    Whose,
    became,
    cite_doses,
    count_of,
    dose_lines,
    looked_at,
    named_dose,
    of_state,
    state_of,
    today_in,
)
from medical_ai.core import clock

RECENT = timedelta(hours=36)
LOOKED_BACK = Period(long=("days", 14))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The doses that a question is about, where they were looked for, and how it was understood."""

    rows: list[Row]
    span: Span
    meant: Meant
    today: date
    whose: Whose

    @property
    def footer(self) -> str:
        """What was not found, and what was looked at."""
        return self.meant.afterword + looked_at(self.span.label)

    def of(self, *states: State) -> list[Row]:
        return of_state(self.rows, *states)


def _read(intent: Intent, record: Record, period: Period) -> _Asked:
    span = span_of(period, clock.now(), record.zone)
    rows = record.doses(span)
    names = {row["medication"] for row in rows} | {row["name"] for row in record.medicines()}
    meant = read_meant(intent, names)
    return _Asked(meant.doses(rows), span, meant, today_in(record.zone), record.whose)


def _about_taken(intent: Intent, record: Record, tell: Callable[[_Asked], str]) -> Reply:
    """Answer about doses of the past, or say where they were looked for in vain."""
    asked = _read(intent, record, intent.period)
    if asked.meant.is_unknown:
        return Reply(not_found(asked.meant, asked.span, asked.whose))
    if not asked.rows:
        return Reply(_nothing_planned(asked))
    text = f"{asked.meant.preface}{tell(asked)}{_warning(asked)}{asked.footer}"
    return Reply(text, cite_doses(_most_telling(asked)))


def _most_telling(asked: _Asked) -> list[Row]:
    """Return the doses in their order; of many days those first that are told one by one."""
    if asked.span.days == 1:
        return asked.rows
    return [*asked.of(*_NOT_TAKEN), *asked.of(State.TAKEN, State.AHEAD)]


def _warning(asked: _Asked) -> str:
    """Warn of taking a dose again, where it is recent enough to be thought of."""
    since = clock.now() - RECENT
    unmarked = asked.of(State.OPEN, State.MISSED)
    is_recent = any(datetime.fromisoformat(row["due_at"]) > since for row in unmarked)
    return f"\n\n{texts.NOT_MARKED}" if is_recent else ""


_NOT_TAKEN = (State.SKIPPED, State.OPEN, State.MISSED)


def _nothing_planned(asked: _Asked) -> str:
    of_it = " of that medicine" if asked.meant.found else ""
    told = f"{asked.whose.first} record has no dose{of_it} planned {asked.span.spoken}"
    return f"{told}, so it cannot tell.{asked.footer}"


def _none_planned(asked: _Asked) -> str:
    return f"{asked.whose.first} record has no dose planned {asked.span.spoken}.{asked.footer}"


def was_taken(intent: Intent, record: Record) -> Reply:
    """Tell whether doses were taken: one with yes or no, several by their count."""
    return _about_taken(intent, record, _tell_taken)


def how_many(intent: Intent, record: Record) -> Reply:
    """Tell how many doses were taken, and which."""
    return _about_taken(intent, record, _count_taken)


def not_taken(intent: Intent, record: Record) -> Reply:
    """Tell which doses are not marked as taken; never with a yes or no that could be misread."""
    return _about_taken(intent, record, _count_not_taken)


def _tell_taken(asked: _Asked) -> str:
    ahead = asked.of(State.AHEAD)
    due = [row for row in asked.rows if row not in ahead]
    if len(due) != 1 and len(asked.rows) != 1:
        return _count_taken(asked)
    row, rest = (due[0], ahead) if due else (asked.rows[0], [])
    prefix = _PREFIXES.get(state_of(row), f"{asked.whose.first} record does not say so: ")
    told = _sentence(f"{prefix}{named_dose(row, asked.today)} is {became(row, asked.today)}.")
    return f"{told}\n\nStill to come:\n\n{_lines(rest, asked, with_state=False)}" if rest else told


_PREFIXES = {State.TAKEN: "Yes: ", State.SKIPPED: "No: ", State.AHEAD: ""}


def _count_taken(asked: _Asked) -> str:
    taken, ahead = asked.of(State.TAKEN), asked.of(State.AHEAD)
    due = len(asked.rows) - len(ahead)
    if not due:
        return _nothing_due(asked)
    is_long = asked.span.days > 1
    shown = asked.of(*_NOT_TAKEN) if is_long else asked.rows
    head = f"{len(taken)} of {count_of(due, 'dose')} {_due_so_far(asked)} {_are(len(taken))} "
    head += f"marked as taken{_still_to_come(ahead)}"
    return _with_lines(head, shown, asked)


def _count_not_taken(asked: _Asked) -> str:
    open_rows, ahead = asked.of(*_NOT_TAKEN), asked.of(State.AHEAD)
    due = len(asked.rows) - len(ahead)
    if len(asked.rows) == 1:
        row = asked.rows[0]
        return _sentence(f"{named_dose(row, asked.today)} is {became(row, asked.today)}.")
    if not due:
        return _nothing_due(asked)
    if not open_rows:
        head = f"{due} of {count_of(due, 'dose')} {_due_so_far(asked)} {_are(due)} marked as taken"
        return f"{head}{_still_to_come(ahead)}."
    head = f"{len(open_rows)} of {count_of(due, 'dose')} {_due_so_far(asked)} "
    head += f"{_are(len(open_rows))} not marked as taken{_still_to_come(ahead)}"
    return _with_lines(head, open_rows, asked)


def _nothing_due(asked: _Asked) -> str:
    return _with_lines(f"Nothing was due yet {asked.span.spoken}", asked.rows, asked)


def _due_so_far(asked: _Asked) -> str:
    return f"{'due so far ' if asked.of(State.AHEAD) else ''}{asked.span.spoken}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _still_to_come(ahead: Sequence[Row]) -> str:
    return f"; {len(ahead)} {_are(len(ahead))} still to come" if ahead else ""


def _with_lines(head: str, rows: Sequence[Row], asked: _Asked) -> str:
    return f"{head}:\n\n{_lines(rows, asked)}" if rows else f"{head}."


def _lines(rows: Sequence[Row], asked: _Asked, *, with_state: bool = True) -> str:
    return dose_lines(rows, asked.today, with_day=asked.span.days > 1, with_state=with_state)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def last_taken(intent: Intent, record: Record) -> Reply:
    """Tell when a dose was last marked as taken; of a time that is named, what became of it."""
    if intent.period.is_named:
        return how_many(intent, record)
    asked = _read(intent, record, LOOKED_BACK)
    if asked.meant.is_unknown:
        return Reply(not_found(asked.meant, asked.span, asked.whose))
    taken = asked.of(State.TAKEN)
    if not taken:
        return Reply(f"No dose is marked as taken {asked.span.spoken}.{asked.footer}")
    told = f"{named_dose(taken[-1], asked.today)} is the last that is"
    told = _sentence(f"{told} {became(taken[-1], asked.today)}.")
    text = f"{asked.meant.preface}{told}{asked.footer}"
    return Reply(text, cite_doses(taken[-1:]))


def doses(intent: Intent, record: Record) -> Reply:
    """Tell the doses of a time with what became of each; of days to come, what the list plans."""
    if _is_to_come(intent.period):
        return medicines.planned(intent, record)
    asked = _read(intent, record, intent.period)
    if asked.meant.is_unknown:
        return Reply(not_found(asked.meant, asked.span, asked.whose))
    if not asked.rows:
        return Reply(_none_planned(asked))
    lines = _lines(asked.rows, asked)
    head = f"{count_of(len(asked.rows), 'dose')} {asked.span.spoken}"
    text = f"{asked.meant.preface}{head}:\n\n{lines}{asked.footer}"
    return Reply(text, cite_doses(asked.rows))


def should_take(intent: Intent, record: Record) -> Reply:
    """Refuse to advise, and tell what the record has of the medicine in that time."""
    if not intent.period.is_readable:
        return Reply(texts.ADVICE)
    reply = doses(intent, record)
    if not reply.citations:
        return Reply(texts.ADVICE)
    has = f"What {record.whose} record has: {reply.text}"
    return Reply(f"{texts.ADVICE}\n\n{has}", reply.citations)


def _is_to_come(period: Period) -> bool:
    if period.is_past:
        return False
    is_day_ahead = period.day is not None and period.day > 0
    return period.is_usual or is_day_ahead or (period.weekday is not None and period.day is None)


def left(intent: Intent, record: Record) -> Reply:
    """Tell what of a day is not marked yet and what is still to come."""
    if _is_to_come(intent.period) and not intent.period.is_usual:
        return medicines.planned(intent, record)
    asked = _read(intent, record, replace(intent.period, is_usual=False))
    if asked.meant.is_unknown:
        return Reply(not_found(asked.meant, asked.span, asked.whose))
    if not asked.rows:
        return Reply(_none_planned(asked))
    waiting, ahead = asked.of(State.OPEN, State.MISSED), asked.of(State.AHEAD)
    if not waiting and not ahead:
        text = f"Nothing is left {asked.span.spoken}: {_answered(asked)}.{asked.footer}"
        return Reply(f"{asked.meant.preface}{text}", cite_doses(asked.rows))
    rows = [row for row in asked.rows if row in waiting or row in ahead]
    head = f"{count_of(len(rows), 'dose')} {_are(len(rows))} left {asked.span.spoken}"
    told = f"{asked.meant.preface}{_with_lines(head, rows, asked)}"
    return Reply(f"{told}{_warning(asked)}{asked.footer}", cite_doses(rows))


def _answered(asked: _Asked) -> str:
    taken, skipped = len(asked.of(State.TAKEN)), len(asked.of(State.SKIPPED))
    text = f"{taken} of {count_of(len(asked.rows), 'dose')} {_are(taken)} marked as taken"
    return f"{text}, {skipped} as skipped" if skipped else text
