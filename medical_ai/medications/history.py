"""What became of past doses: by day, and as one figure. Pure; rows come from the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise

from medical_ai.medications.schemas import DoseRead
from medical_ai.medications.states import UNANSWERED, DoseStatus

DAYS = 30
QUERY_DAYS = 6
"""Days asked for at once, so that the longest list is never cut short by the ledger's limit."""


@dataclass(slots=True)
class Day:
    """One local day and its doses, in order of their time.

    `doses` are those whose time has come; `early` were marked although they are still to come.
    """

    date: date
    doses: list[DoseRead] = field(default_factory=list)
    early: list[DoseRead] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """Count the doses marked as taken."""
        return sum(dose.status is DoseStatus.TAKEN for dose in self.doses)

    @property
    def not_taken(self) -> int:
        """Count the doses that were skipped, missed, or never marked."""
        return len(self.doses) - self.taken


@dataclass(frozen=True, slots=True)
class History:
    """The days up to today, oldest first; days without a dose are there too."""

    days: list[Day]

    @property
    def taken(self) -> int:
        """Count the doses marked as taken."""
        return sum(day.taken for day in self.days)

    @property
    def total(self) -> int:
        """Count the doses whose time has come."""
        return sum(len(day.doses) for day in self.days)

    @property
    def percent(self) -> int:
        """Return the share taken, rounded down: 99.6 percent is not all of them."""
        return self.taken * 100 // self.total if self.total else 0

    @property
    def fullest(self) -> int:
        """Return the number of doses on the day that had most, at least one."""
        return max([1, *(len(day.doses) for day in self.days)])


def spans(today: date) -> list[tuple[date, date]]:
    """Return the 30 days up to today as spans (first day, day after the last) to ask for."""
    first = today - timedelta(days=DAYS - 1)
    edges = [first + timedelta(days=offset) for offset in range(0, DAYS + 1, QUERY_DAYS)]
    return list(pairwise(edges))


def history_of(doses: Iterable[DoseRead], *, today: date, now: datetime) -> History:
    """Group doses by the local day they were planned for.

    Those still to come are left out, or stand apart where they were marked ahead of their time.
    """
    days = {
        day.date: day
        for day in (Day(today - timedelta(days=back)) for back in reversed(range(DAYS)))
    }
    for dose in doses:
        day = days.get(date.fromisoformat(dose.due_local[:10]))
        if day is not None and dose.due_at <= now:
            day.doses.append(dose)
        elif day is not None and dose.status not in UNANSWERED:
            day.early.append(dose)
    return History(list(days.values()))


def days_with_doses(days: Sequence[Day]) -> list[Day]:
    """Return the days that there is something to tell of, the latest first."""
    return [day for day in reversed(days) if day.doses or day.early]
