"""What a check found: one line, and what to do where it is not good."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in words, and a command or a sentence that mends it."""

    level: Level
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check with this name found."""

    name: str
    level: Level
    found: str
    mend: str = ""

    def lines(self) -> list[str]:
        """Return it as an operator reads it."""
        first = f"{self.level.value:4} {self.name}: {self.found}"
        return [first] if self.level is Level.OK or not self.mend else [first, f"     {self.mend}"]

    def as_json(self) -> dict[str, str]:
        """Return it as a program reads it."""
        values = asdict(self)
        return values | {"level": self.level.value.lower()}


def ok(found: str) -> Finding:
    """Return that all is well."""
    return Finding(Level.OK, found)


def warn(found: str, mend: str) -> Finding:
    """Return what should be looked at soon."""
    return Finding(Level.WARN, found, mend)


def fail(found: str, mend: str) -> Finding:
    """Return what is broken."""
    return Finding(Level.FAIL, found, mend)


def grade(level: Level, found: str, mend: str) -> Finding:
    """Return a finding of a level that was computed; what is good needs no mend."""
    return Finding(level, found, "" if level is Level.OK else mend)


def worst(findings: list[Finding]) -> Level:
    """Return the worst level among findings."""
    order = list(Level)
    return max((one.level for one in findings), key=order.index, default=Level.OK)


def together(findings: list[Finding], *, good: str) -> Finding:
    """Return one finding out of many: the bad ones in one line, or that all are good."""
    bad = [one for one in findings if one.level is not Level.OK]
    if not bad:
        return ok(good)
    mends = dict.fromkeys(one.mend for one in bad if one.mend)
    return Finding(worst(bad), "; ".join(one.found for one in bad), "; ".join(mends))
