"""What matters now: reminders, the next dose, and the day. Pure; rows come from the ledger."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from medical_ai.medications.answers import NEAR
from medical_ai.medications.ledger import ANSWERABLE_AHEAD
from medical_ai.medications.schemas import DoseRead
from medical_ai.medications.states import UNANSWERED, DoseStatus

NIGHT_ENDS, MORNING_ENDS, AFTERNOON_ENDS, EVENING_ENDS = 5, 12, 18, 23
MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class Slot:
    """Doses that are due at the same moment, which lies `ahead` (negative once it is over)."""

    due_at: datetime
    doses: list[DoseRead]
    ahead: timedelta

    def day_word(self, today: date) -> str:
        """Return how one speaks of the slot's day: nothing for today, then by its name."""
        day = date.fromisoformat(self.doses[0].due_local[:10])
        if day == today:
            return ""
        return "Tomorrow" if day - today == timedelta(days=1) else day.strftime("%A")

    @property
    def is_due(self) -> bool:
        """Tell whether the moment has come."""
        return self.ahead <= timedelta(0)

    @property
    def is_near(self) -> bool:
        """Tell whether marking it taken is what one would do now, and not a slip of the finger."""
        return self.ahead <= NEAR

    @property
    def is_answerable(self) -> bool:
        """Tell whether the ledger takes an answer already."""
        return self.ahead <= ANSWERABLE_AHEAD


@dataclass(frozen=True, slots=True)
class Today:
    """The day as a patient sees it. `reminders` are doses that wait for an answer."""

    date: date
    now: datetime
    greeting: str
    reminders: list[DoseRead]
    next_slot: Slot | None
    doses: list[DoseRead]
    has_medicines: bool

    @property
    def answered(self) -> int:
        """Count the day's doses that were taken or skipped."""
        return sum(dose.status in {DoseStatus.TAKEN, DoseStatus.SKIPPED} for dose in self.doses)


def greeting_at(local: datetime) -> str:
    """Return how one greets at this hour of the patient's day."""
    if local.hour < NIGHT_ENDS or local.hour >= EVENING_ENDS:
        return "Hello"  # "good night" would send away whoever is up at three
    if local.hour < MORNING_ENDS:
        return "Good morning"
    return "Good afternoon" if local.hour < AFTERNOON_ENDS else "Good evening"


def reminders_of(doses: Iterable[DoseRead], reminded: set[UUID]) -> list[DoseRead]:
    """Return the doses somebody was reminded of and has not answered, the oldest first."""
    return [dose for dose in doses if dose.id in reminded and dose.status in UNANSWERED]


def next_slot(
    doses: Sequence[DoseRead], *, reminders: Sequence[DoseRead], since: datetime, now: datetime
) -> Slot | None:
    """Return the first moment since `since` whose doses wait for an answer, reminders aside."""
    reminded = {dose.id for dose in reminders}
    open_doses = [
        dose
        for dose in doses
        if dose.due_at >= since and dose.id not in reminded and _waits(dose, now)
    ]
    if not open_doses:
        return None
    due_at = min(dose.due_at for dose in open_doses)
    same_time = [dose for dose in open_doses if dose.due_at == due_at]
    return Slot(due_at, same_time, ahead=due_at - now)


def _waits(dose: DoseRead, now: datetime) -> bool:
    # A dose that was over when the medicine was written down can be marked, but does not press.
    was_over = dose.status is DoseStatus.SEEN and dose.due_at < now
    return dose.status in UNANSWERED and not was_over


def spoken_wait(now: datetime, due_at: datetime) -> str:
    """Return how long it is until, or since, a moment: `in 2 hours`, `40 minutes ago`."""
    minutes = round(abs(due_at - now) / timedelta(minutes=1))
    if minutes < 1:
        return "now"
    spoken = _count(minutes, "minute")
    if minutes >= MINUTES_PER_HOUR:
        hours, rest = divmod(minutes, MINUTES_PER_HOUR)
        spoken = _count(hours, "hour") + (f" {rest} min" if rest else "")
    return f"in {spoken}" if due_at > now else f"{spoken} ago"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
