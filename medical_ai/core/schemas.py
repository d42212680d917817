"""Shapes shared by every domain's requests and answers."""

import re
from datetime import date
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

Item = TypeVar("Item")

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
NO_CONTROLS_BUT_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, pattern=NO_CONTROLS)]
"""One line of text without control characters."""

Prose = Annotated[str, StringConstraints(pattern=NO_CONTROLS_BUT_LINES)]
"""Text that may run over several lines."""


class Input(BaseModel):
    """What a caller sends: strict types, and no field that is not declared."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """What a caller asks for in the query string, where everything arrives as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(BaseModel):
    """What we answer."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Listing(Output, Generic[Item]):
    """One page of an ordered list; `next` is the cursor of the page after it, if there is one."""

    items: list[Item]
    next: str | None = None


class FieldInvalid(ValueError):
    """Raised in a validator with a message of our own that does not repeat the value."""


def _a_day(day: object) -> object:
    is_written_out = isinstance(day, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    if not is_written_out and not isinstance(day, date):
        raise FieldInvalid("Enter a date, such as 2026-11-21.")
    return day


Day = Annotated[date, Field(strict=False), BeforeValidator(_a_day)]
"""A calendar date, written out in full."""
