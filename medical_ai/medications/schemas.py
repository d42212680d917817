"""What the medicine endpoints take and give."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from medical_ai.core.schemas import Day, FieldInvalid, Input, Line, Output, Prose, Query
from medical_ai.medications.schedule import WEEKDAYS, Weekday
from medical_ai.medications.states import DeliveryStatus, DoseStatus, MedicationStatus

TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
MAX_TIMES = 12


def _in_order(times: list[str]) -> list[str]:
    times = [text[:5] if text[5:] == ":00" else text for text in times]  # one way to write a time
    if len(set(times)) != len(times):
        raise FieldInvalid("The same time is given twice.")
    return sorted(times)


def _once(days: list[Weekday]) -> list[Weekday]:
    return sorted(set(days), key=WEEKDAYS.index)


def _written_out(moment: object) -> object:
    if isinstance(moment, str) and not re.match(r"\d{4}-\d\d-\d\d[Tt ]", moment):
        raise FieldInvalid("This is not a date and time, such as 2026-11-21T08:00:00Z.")
    return moment


Moment = Annotated[datetime, BeforeValidator(_written_out)]
"""A date and time (RFC 3339); a number of seconds is none."""
TimeOfDay = Annotated[str, StringConstraints(pattern=TIME_PATTERN)]
MedicineName = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Instructions = Annotated[Prose, StringConstraints(max_length=1000, strip_whitespace=True)]


class TimesSchedule(Input):
    """Fixed times on the patient's wall clock, every day or on some weekdays."""

    kind: Literal["times"]
    times: Annotated[
        list[TimeOfDay],
        Field(
            min_length=1,
            max_length=MAX_TIMES,
            description="24-hour times such as `08:00`; seconds may follow.",
        ),
        AfterValidator(_in_order),
    ]
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(_once)] = [
        *WEEKDAYS
    ]
    zone_policy: Literal["home"] = "home"


class MedicationCreate(Input):
    """A medicine to add."""

    name: MedicineName = Field(description="As on the box, such as `amlodipine 5 mg`.")
    instructions: Instructions = Field("", description="How to take it, in the patient's words.")
    schedules: Annotated[list[TimesSchedule], Field(min_length=1, max_length=8)]
    start_on: Day | None = Field(None, description="First day; today where it is left out.")
    end_on: Day | None = Field(None, description="Last day, included.")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "MedicationCreate":
        if self.start_on and self.end_on and self.end_on < self.start_on:
            raise FieldInvalid("The last day is before the first.")
        return self


class MedicationUpdate(Input):
    """What to change; what is left out stays, and a last day of null is taken away."""

    name: MedicineName | None = None
    instructions: Instructions | None = None
    schedules: Annotated[list[TimesSchedule], Field(min_length=1, max_length=8)] | None = None
    end_on: Day | None = Field(None, description="Last day, included; null takes it back.")


class ScheduleRead(Output):
    """When a medicine is taken."""

    kind: str
    times: list[str]
    days: list[Weekday]
    zone_policy: str
    zone: str


class MedicationRead(Output):
    """A medicine on the list."""

    id: UUID
    name: str
    instructions: str
    status: MedicationStatus
    schedules: list[ScheduleRead]
    summary: str = Field(description="When it is taken, in words.")
    start_on: date
    end_on: date | None
    created_at: datetime
    stopped_at: datetime | None


class DeliveryRead(Output):
    """What one channel did with a reminder."""

    channel: str
    status: DeliveryStatus
    at: datetime
    answer: str


class DoseRead(Output):
    """One dose in the ledger."""

    id: UUID
    medication_id: UUID
    medication: str = Field(description="The medicine's name.")
    status: DoseStatus
    due_at: datetime
    due_local: str = Field(description="The wall-clock slot, such as `2026-11-21T08:00`.")
    zone: str
    answered_at: datetime | None
    deliveries: list[DeliveryRead]


class DosesQuery(Query):
    """Which doses; without bounds, today's in the patient's zone."""

    cursor: UUID | None = Field(None, description="`next` of the page before.")

    from_: Moment | None = Field(None, alias="from", description="Moment with an offset.")
    to: Moment | None = Field(None, description="Moment with an offset, later than `from`.")

    @model_validator(mode="after")
    def _is_a_span(self) -> "DosesQuery":
        for moment in (self.from_, self.to):
            if moment is not None and moment.tzinfo is None:
                raise FieldInvalid("A moment needs an offset, such as Z.")
            if moment is not None and not _has_utc(moment):
                raise FieldInvalid("This is outside the calendar.")
        if self.from_ and self.to and self.to <= self.from_:
            raise FieldInvalid("`to` must be later than `from`.")
        return self


def _has_utc(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:  # the first and last hours of the calendar, with an offset
        return False
    return True


def spoken_times(times: list[str]) -> str:
    """Return times as a person says them: `08:00 and 20:00`."""
    return " and ".join([", ".join(times[:-1]), times[-1]] if len(times) > 1 else times)


def spoken_schedule(times: list[str], days: list[Weekday]) -> str:
    """Return a schedule in words: `every day at 08:00 and 20:00`."""
    if len(days) == len(WEEKDAYS):
        when = "every day"
    else:
        when = "on " + ", ".join(day.capitalize() for day in days)
    return f"{when} at {spoken_times(times)}"


def spoken_course(start_on: date, end_on: date | None, today: date) -> str:
    """Return what to add to a schedule in words when it has not begun, will end or has ended."""
    begins = f", from {spoken_day(start_on)}" if start_on > today else ""
    if end_on is None:
        return begins
    return f"{begins}, {'ended' if end_on < today else 'until'} {spoken_day(end_on)}"


def spoken_day(day: date) -> str:
    """Return a date as a person says it: `5 November 2026`."""
    return f"{day.day} {day:%B %Y}"
