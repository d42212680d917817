"""Whether the MariaDB of this host runs with the settings that its files give it.

A file is read when the server starts, and an upgrade never restarts it: what can be changed while
it runs is changed, and the rest waits for a restart at a time of the operator's.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from medical_ai.ops.host.network import Reach, reach_of
from medical_ai.ops.host.programs import run

OURS = Path("etc/mysql/mariadb.conf.d/80-medical-ai.cnf")
LINE = re.compile(r"^(?P<name>[a-z][\w-]*)\s*=", re.MULTILINE)
SIZE = re.compile(r"(\d+)([KMG])", re.IGNORECASE)
UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
NUMBER = re.compile(r"\d+(\.\d+)?")
SWITCHES = {"1": "ON", "TRUE": "ON", "ON": "ON", "0": "OFF", "FALSE": "OFF", "OFF": "OFF"}
FILE_OF = {"log_bin": "log_bin_basename"}
"""Where a setting names a file and the variable says only that there is one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting with which the server does not run as its files say."""

    name: str
    wanted: str

    @property
    def statement(self) -> str:
        """The statement that changes it while the server runs, where that is possible."""
        value = self.wanted if NUMBER.fullmatch(self.wanted) else f"'{self.wanted}'"
        return f"SET GLOBAL {self.name} = {value};"


def find_differences(connection: Connection, root: Path) -> list[Difference]:
    """Return what differs, of the settings that we give; nothing where the server is elsewhere."""
    ours = root / OURS
    if not ours.exists() or reach_of(str(connection.engine.url)) is Reach.OUTBOUND:
        return []
    names = {_name(found["name"]) for found in LINE.finditer(ours.read_text("utf-8"))}
    # What stands in files that are read later, such as the operator's own, counts.
    said = run("my_print_defaults", "--mariadbd").out
    running = {
        str(name): str(value) for name, value in connection.execute(text("SHOW GLOBAL VARIABLES"))
    }
    return compare(read_options(said, names), running)


def read_options(said: str, names: set[str]) -> dict[str, str]:
    """Return the options of these names that `my_print_defaults` printed; the last one counts."""
    found = {}
    for line in said.splitlines():
        name, is_given, value = line.removeprefix("--").partition("=")
        if is_given and _name(name) in names:
            found[_name(name)] = value
    return found


def compare(wanted: dict[str, str], running: dict[str, str]) -> list[Difference]:
    """Return what a restart would change."""
    found = []
    for name, value in sorted(wanted.items()):
        runs_with = running.get(FILE_OF.get(name, name))
        if runs_with is None:
            continue  # an option without a variable
        is_switch = runs_with in SWITCHES.values()
        spelled = SWITCHES.get(value.upper(), value) if is_switch else value
        if normal(spelled) != normal(runs_with):
            found.append(Difference(name, normal(spelled)))
    return found


def normal(value: str) -> str:
    """Return a value in the one spelling in which it is compared."""
    if size := SIZE.fullmatch(value):
        return str(int(size[1]) * UNITS[size[2].upper()])
    if NUMBER.fullmatch(value):
        return f"{float(value):.6f}".rstrip("0").rstrip(".")
    if "/" in value:
        return value
    return ",".join(sorted(value.upper().split(",")))  # modes have no order


def _name(spelled: str) -> str:
    return spelled.replace("-", "_")
