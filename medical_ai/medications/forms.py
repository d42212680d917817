"""The medicine form: from rows of typed times to the shapes of the service, and back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from medical_ai.core.errors import FieldProblem, InvalidInput
from medical_ai.core.forms import WHOLE_FORM, read_form
from medical_ai.medications.schedule import WEEKDAYS
from medical_ai.medications.schemas import (
    MAX_TIMES,
    MedicationCreate,
    MedicationRead,
    MedicationUpdate,
)

SCHEDULE_PREFIX = re.compile(r"^schedules\.0\.")
SENTENCES = {
    "name": "Enter the medicine's name, as it stands on the box.",
    "instructions": "Use at most 1,000 characters.",
    "schedules.0.times": "Enter at least one time of day.",
    "schedules.0.days": "Choose at least one day of the week.",
    "start_on": "Enter the first day as a date.",
    "end_on": "Enter the last day as a date.",
} | {f"schedules.0.times.{row}": "Enter a time, such as 08:00." for row in range(MAX_TIMES)}


@dataclass(frozen=True, slots=True)
class MedicineForm:
    """What stands in the form. `has_fixed_times` is off where the form cannot express the times."""

    name: str = ""
    instructions: str = ""
    times: list[str] = field(default_factory=lambda: [""])
    days: list[str] = field(default_factory=lambda: list(WEEKDAYS))
    start_on: str = ""
    end_on: str = ""
    has_fixed_times: bool = True

    @property
    def has_choices(self) -> bool:
        """Tell whether the part that is usually folded away holds anything."""
        return bool(self.start_on or self.end_on or len(self.days) != len(WEEKDAYS))

    def with_another_time(self) -> "MedicineForm":
        """Return the form with one more row for a time, as far as there may be more."""
        return replace(self, times=[*self.times, ""][:MAX_TIMES])


def typed_medicine(typed: MultiDict[str, str]) -> MedicineForm:
    """Return the form as it was typed. Rows left empty are dropped."""
    times = [text.strip() for text in typed.getlist("times") if text.strip()]
    return MedicineForm(
        name=typed.get("name", ""),
        instructions=typed.get("instructions", ""),
        times=times or [""],
        days=typed.getlist("days"),
        start_on=typed.get("start_on", "").strip(),
        end_on=typed.get("end_on", "").strip(),
        has_fixed_times="times" in typed,
    )


def form_of(medicine: MedicationRead) -> MedicineForm:
    """Return the form for a medicine there is; its first day cannot be changed."""
    schedule = medicine.schedules[0] if medicine.schedules else None
    return MedicineForm(
        name=medicine.name,
        instructions=medicine.instructions,
        times=list(schedule.times) if schedule else [""],
        days=list(schedule.days) if schedule else list(WEEKDAYS),
        end_on=medicine.end_on.isoformat() if medicine.end_on else "",
        has_fixed_times=len(medicine.schedules) <= 1,
    )


def medicine_to_add(form: MedicineForm) -> MedicationCreate:
    """Return the medicine to add. Raises InvalidInput that names the form's own fields."""
    values = _text_of(form) | {"start_on": form.start_on or None, "schedules": [_schedule(form)]}
    try:
        return read_form(MedicationCreate, values, sentences=SENTENCES)
    except InvalidInput as error:
        raise InvalidInput(fields=tuple(_on_the_form(error.fields))) from None


def medicine_to_change(form: MedicineForm, before: MedicationRead) -> MedicationUpdate:
    """Return what changes. Times left as they were are left out, so that their doses stay."""
    values = _text_of(form)
    was = form_of(before)
    if was.has_fixed_times and (sorted(form.times), form.days) != (was.times, was.days):
        values["schedules"] = [_schedule(form)]
    if form.end_on == was.end_on:
        del values["end_on"]
    try:
        return read_form(MedicationUpdate, values, sentences=SENTENCES)
    except InvalidInput as error:
        raise InvalidInput(fields=tuple(_on_the_form(error.fields))) from None


def _text_of(form: MedicineForm) -> dict[str, Any]:
    return {
        "name": form.name,
        "instructions": form.instructions.replace("\r\n", "\n"),
        "end_on": form.end_on or None,
    }


def _schedule(form: MedicineForm) -> dict[str, Any]:
    return {"kind": "times", "times": [text for text in form.times if text], "days": form.days}


def _on_the_form(problems: Iterable[FieldProblem]) -> Iterable[FieldProblem]:
    for problem in problems:
        loc = SCHEDULE_PREFIX.sub("", problem.loc)
        # The only rule about several fields at once is that the last day comes after the first.
        yield FieldProblem("end_on" if loc == WHOLE_FORM else loc, problem.message)
