"""Changes of tables that can be made again, for MariaDB commits each of them by itself.

A migration that is cut off leaves the first of its changes made, and the version of the tables as
it was. So each change says to the server that what is there already, or gone already, is well, and
the whole migration is run once more. SQLite needs none of it: there it is one transaction.
"""

import re
from typing import Any

from sqlalchemy import Connection, event

NAME = r"(?:`[^`]+`|\w+)"
TABLE = rf"ALTER TABLE {NAME}"
THERE, GONE = "IF NOT EXISTS", "IF EXISTS"
CONDITIONS = [
    (re.compile(pattern, re.IGNORECASE), condition)
    for pattern, condition in (
        (r"CREATE TABLE", THERE),
        (r"CREATE (?:UNIQUE )?INDEX", THERE),
        (rf"{TABLE} ADD COLUMN", THERE),
        (rf"{TABLE} ADD CONSTRAINT {NAME} (?:UNIQUE|FOREIGN KEY)", THERE),
        (rf"{TABLE} ADD CONSTRAINT(?=(?: {THERE})? {NAME} CHECK)", THERE),
        (r"DROP (?:TABLE|INDEX)", GONE),
        (rf"{TABLE} DROP (?:COLUMN|INDEX|CONSTRAINT|FOREIGN KEY)", GONE),
    )
]
"""Where the condition stands: behind what the pattern finds."""
CHANGES_TABLES = re.compile(r"(?:CREATE|ALTER|DROP|RENAME|TRUNCATE)\b", re.IGNORECASE)
AS_OFTEN_AS_YOU_LIKE = re.compile(rf"{TABLE} (?:MODIFY|ALTER COLUMN)\b", re.IGNORECASE)
"""These say how a column is to be, not what is to be done with it."""
ADDS_ROWS = re.compile(r"(?:INSERT|REPLACE)\b(?! IGNORE\b| INTO alembic_version\b)", re.IGNORECASE)


class NotRerunnable(Exception):
    """A migration has a statement that would fail, or do something else, the second time."""


def make_rerunnable(statement: str) -> str:
    """Return a statement so that it may be run twice. Raises NotRerunnable."""
    spelled = statement.strip()
    for pattern, condition in CONDITIONS:
        found = pattern.match(spelled)
        if found:
            rest = spelled[found.end() :].removeprefix(f" {condition}")
            return f"{found[0]} {condition}{rest}"
    changes = CHANGES_TABLES.match(spelled) and not AS_OFTEN_AS_YOU_LIKE.match(spelled)
    if changes or ADDS_ROWS.match(spelled):
        raise NotRerunnable(" ".join(spelled.split()[:6]))
    return statement


def make_all_rerunnable(connection: Connection) -> None:
    """Let everything that is run on this connection pass `make_rerunnable`."""
    event.listen(connection, "before_cursor_execute", _rewrite, retval=True)


def _rewrite(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any
) -> tuple[str, Any]:
    return make_rerunnable(statement), parameters
