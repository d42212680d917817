"""Answers about the doses that are due and those to come, and which one somebody means to mark."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from medical_ai.assistant.intents import Intent
from medical_ai.assistant.periods import Span, span_of, spoken_slot
from medical_ai.assistant.responder import medicines, texts
from medical_ai.assistant.responder.record import Meant, Record, not_found, read_meant
from medical_ai.assistant.responder.speech import (
    Reply,
    Row,
    State,
    Whose,
    cite_dose,
    cite_medicine,
    dose_lines,
    of_state,
    today_in,
)
from medical_ai.core import clock

STILL_DUE = timedelta(hours=12)
AHEAD = timedelta(days=8)
"""Further than the ledger is ever planned."""
NEAR = timedelta(hours=4)
MOST_MEANT = 3
_AROUND = "the last 12 hours and of the days to come"


def next_dose(intent: Intent, record: Record) -> Reply:
    """Tell the next dose, after those that are due and not marked."""
    return _coming(intent, record, "")


def due_now(intent: Intent, record: Record) -> Reply:
    """Tell what is due and not marked, and what comes next."""
    return _coming(intent, record, "Nothing is due and unmarked right now.")


def _coming(intent: Intent, record: Record, otherwise: str) -> Reply:
    first = list(record.next_doses()) if not intent.runs else []
    around = record.doses_around(STILL_DUE, AHEAD)
    names = {row["medication"] for row in around} | {row["name"] for row in record.medicines()}
    meant = read_meant(intent, names)
    if meant.is_unknown:
        return Reply(not_found(meant, Span(clock.now(), clock.now(), "", _AROUND), record.whose))
    waiting = of_state(meant.doses(around), State.OPEN)
    coming = _earliest(of_state([*first, *meant.doses(around)], State.AHEAD))
    if not coming and not waiting:
        return _nothing_to_come(meant, record)
    return _told(waiting, coming, meant, record, otherwise)


def _told(
    waiting: list[Row], coming: list[Row], meant: Meant, record: Record, otherwise: str
) -> Reply:
    today = today_in(record.zone)
    before = _waiting_told(waiting, today) or otherwise
    warning = texts.NOT_MARKED if waiting else ""
    text = "\n\n".join(
        part for part in (before, _next_told(coming, today, record.whose), warning) if part
    )
    citations = [cite_dose(row) for row in [*waiting, *coming]]
    return Reply(f"{meant.preface}{text}{meant.afterword}", citations)


def _earliest(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the first moment, each once."""
    first = min((datetime.fromisoformat(row["due_at"]) for row in rows), default=None)
    same = [row for row in rows if datetime.fromisoformat(row["due_at"]) == first]
    return list({row["id"]: row for row in same}.values())


def _waiting_told(rows: Sequence[Row], today: date) -> str:
    return f"Due and not marked:\n\n{dose_lines(rows, today, with_state=False)}" if rows else ""


def _next_told(rows: Sequence[Row], today: date, whose: Whose) -> str:
    if not rows:
        return f"After that {whose} record has no dose to come yet."
    names = " and ".join(f"**{row['medication']}**" for row in rows)
    return f"{whose.first} next dose is {names}, {_when(rows[0], today)}."


def _when(row: Row, today: date) -> str:
    day, _, at = spoken_slot(row["due_local"], today).rpartition(" ")
    return f"{day} **{at}**"


def _nothing_to_come(meant: Meant, record: Record) -> Reply:
    """The ledger is planned a day or two ahead; beyond it the list knows the times."""
    lines, rows = medicines.plan_of(meant, record)
    whose = record.whose
    text = (
        f"{whose.first} record has no dose to come yet; doses are written down a day or two ahead."
    )
    if not rows:
        return Reply(text)
    return Reply(
        f"{meant.preface}{text} By {whose} list:\n\n{lines}", [cite_medicine(row) for row in rows]
    )


def mark(intent: Intent, record: Record) -> Reply:
    """Say that nothing was recorded, how it is done, and which dose may be meant."""
    is_own = record.whose is Whose.OWN
    told = f"{texts.NOTHING_RECORDED} {texts.HOW_TO_MARK}" if is_own else texts.NOTHING_RECORDED
    rows, meant = _doses_to_mark(intent, record)
    if meant.is_unknown and meant.looks_like_a_name:
        return Reply(f"{told}\n\n{texts.NOT_NEAR}")
    if meant.is_unknown or not rows:
        return Reply(told)
    lines = dose_lines(rows, today_in(record.zone))
    return Reply(
        f"{told}\n\n{meant.preface}As {record.whose} record has it:\n\n{lines}{meant.afterword}",
        [cite_dose(row) for row in rows],
    )


def _doses_to_mark(intent: Intent, record: Record) -> tuple[list[Row], Meant]:
    """Return the unmarked doses of the time that is named or near, else those that are answered."""
    if intent.period.is_named and intent.period.is_readable:
        rows = record.doses(span_of(intent.period, clock.now(), record.zone))
    else:
        rows = record.doses_around(STILL_DUE, NEAR)
    names = {row["medication"] for row in rows} | {row["name"] for row in record.medicines()}
    meant = read_meant(intent, names)
    mine = meant.doses(rows)
    unmarked = of_state(mine, State.OPEN, State.MISSED, State.AHEAD)
    return sorted(unmarked or mine, key=_distance)[:MOST_MEANT], meant


def _distance(row: Row) -> timedelta:
    return abs(datetime.fromisoformat(row["due_at"]) - clock.now())
