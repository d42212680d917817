"""Time zones by their IANA names."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from medical_ai.core.schemas import FieldInvalid


@cache
def zone_names() -> tuple[str, ...]:
    """Return every zone a person may live in, in alphabetical order."""
    prefixes = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/")
    more = ("Europe/", "Indian/", "Pacific/", "Arctic/")
    names = {name for name in available_timezones() if name.startswith(prefixes + more)}
    return tuple(sorted(names | {"UTC"}))


def known_zone(name: str) -> str:
    """Return the name if it is a zone. Raises FieldInvalid (a ValueError) otherwise."""
    if name not in available_names():
        raise FieldInvalid("This is not the name of a time zone.")
    return name


@cache
def available_names() -> frozenset[str]:
    """Return every zone name the system knows, links and old names included."""
    return frozenset(available_timezones())


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name that was checked before."""
    return ZoneInfo(name)
