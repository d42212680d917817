"""Answers from the medicine list: what is taken, how often, and what the list plans for a day."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from medical_ai.assistant.intents import Intent
from medical_ai.assistant.periods import (
    PART_HOURS,
    WEEK,
    Period,
    span_of,
    spoken_date,
    spoken_day,
)
from medical_ai.assistant.responder.record import Meant, Record, not_found, read_meant
from medical_ai.assistant.responder.speech import (
    Reply,
    Row,
    cite_dose,
    cite_medicine,
    count_of,
    looked_at,
    medicine_line,
    named_dose,
    state_of,
    today_in,
)
from medical_ai.core import clock
from medical_ai.medications.schedule import WEEKDAYS

LOOKED_BACK = Period(long=("days", 30))
MIDNIGHT = 24


def medicines(intent: Intent, record: Record) -> Reply:
    """Tell the list, or of it what is meant."""
    if any(run.is_object and not run.is_description for run in intent.runs):
        return schedule(intent, record)
    rows, today = record.medicines(), today_in(record.zone)
    if not rows:
        return Reply(f"There is no medicine on {record.whose} list.")
    lines = "\n".join(f"- {medicine_line(row, today)}" for row in rows)
    meant = read_meant(intent, [row["name"] for row in rows])
    has = f"{record.whose.first} list has {count_of(len(rows), 'medicine')}"
    return Reply(f"{meant.preface}{has}:\n\n{lines}", [cite_medicine(row) for row in rows])


def schedule(intent: Intent, record: Record) -> Reply:
    """Tell how and when the medicine that is named is taken."""
    rows, today = record.medicines(), today_in(record.zone)
    meant = read_meant(intent, [row["name"] for row in rows])
    if not meant.found:
        return _off_the_list(intent, record)
    mine = meant.medicines(rows)
    lines = [medicine_line(row, today) for row in mine]
    told = lines[0] + "." if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
    gap = " " if len(lines) == 1 else "\n\n "
    return Reply(
        f"{meant.preface}On {record.whose} list:{gap}{told}{meant.afterword}",
        [cite_medicine(row) for row in mine],
    )


def _off_the_list(intent: Intent, record: Record) -> Reply:
    """Say that it is not on the list, and what the ledger has of it."""
    span = span_of(LOOKED_BACK, clock.now(), record.zone)
    rows = record.doses(span)
    meant = read_meant(intent, {row["medication"] for row in rows})
    if not meant.found:
        return Reply(not_found(meant, span, record.whose))
    last, today = meant.doses(rows)[-1], today_in(record.zone)
    return Reply(
        f"{meant.preface}It is not on {record.whose} list now. "
        f"The last dose of it in {record.whose} record is "
        f"{named_dose(last, today)}: {state_of(last).value}."
        + looked_at(_list_of(record), f"the doses of {span.label}"),
        [cite_dose(last)],
    )


def planned(intent: Intent, record: Record) -> Reply:
    """Tell what the list plans for a day to come or for a usual part of the day.

    The ledger reaches only a day or two ahead; the list tells the times of any day.
    """
    rows, today = record.medicines(), today_in(record.zone)
    meant = read_meant(intent, [row["name"] for row in rows])
    if meant.is_unknown:
        return _off_the_list(intent, record)
    day = _day_to_come(intent.period, today)
    found = sorted(
        (at, row["name"], row)
        for row in meant.medicines(rows)
        for at in _times_on(row, day, today)
        if _is_in_part(at, intent.period)
    )
    when = _spoken_plan(intent.period, day, today)
    if not found:
        told = f"{meant.preface}{record.whose.first} list has nothing {when}."
        return Reply(told + looked_at(_list_of(record)))
    lines = "\n".join(f"- {at} **{name}**" for at, name, _ in found)
    return Reply(
        f"{meant.preface}By {record.whose} list, {when}:\n\n{lines}{meant.afterword}"
        + looked_at(_list_of(record)),
        [cite_medicine(row) for row in _once(row for _, _, row in found)],
    )


def _list_of(record: Record) -> str:
    return f"{record.whose} medicine list"


def _day_to_come(period: Period, today: date) -> date | None:
    if period.weekday is not None:
        return today + timedelta(days=(period.weekday - today.weekday()) % WEEK)
    return today + timedelta(days=period.day) if period.day else None


def _times_on(row: Row, day: date | None, today: date) -> Iterator[str]:
    if not _is_in_course(row, day, today):
        return
    for one in row["schedules"]:
        if day is None or WEEKDAYS[day.weekday()] in one["days"]:
            yield from one["times"]


def _is_in_course(row: Row, day: date | None, today: date) -> bool:
    end = row["end_on"]
    if end and date.fromisoformat(end) < (day or today):
        return False
    return day is None or date.fromisoformat(row["start_on"]) <= day


def _is_in_part(at: str, period: Period) -> bool:
    if period.part is None:
        return True
    first, after = PART_HOURS[period.part]
    return first <= int(at[:2]) < after or first <= int(at[:2]) + MIDNIGHT < after


def _spoken_plan(period: Period, day: date | None, today: date) -> str:
    hours = ""
    if period.part is not None:
        first, after = PART_HOURS[period.part]
        until = "midnight" if after == MIDNIGHT else f"{after % MIDNIGHT:02}:00"
        hours = f" from {first:02}:00 to {until}"
    if day is None:
        return f"usually{hours}"
    exact = f" ({spoken_date(day)})" if abs((day - today).days) <= 1 else ""
    return f"{spoken_day(day, today)}{exact}{hours}"


def _once(rows: Iterator[Row]) -> Sequence[Row]:
    return list({row["id"]: row for row in rows}.values())


def plan_of(meant: Meant, record: Record) -> tuple[str, list[Row]]:
    """Return what the list says of medicines without a dose in the ledger to come."""
    today = today_in(record.zone)
    rows = meant.medicines(record.medicines())
    return "\n".join(f"- {medicine_line(row, today)}" for row in rows), rows
