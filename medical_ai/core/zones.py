"""Time zones by their IANA names."""

from functools import cache
from importlib.resources import files
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


def country_of(name: str) -> str:
    """Return the ISO 3166 code of the country a zone lies in; empty where that is not known.

    Source: the IANA database's zone.tab. Zones that several countries share name their first.
    """
    return _countries().get(name, "")


@cache
def _countries() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def zone_of(name: str) -> ZoneInfo:
    """Return the zone of a name that was checked before."""
    return ZoneInfo(name)
