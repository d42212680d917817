"""Reading a dump of mariadb-dump line by line: sums for each table, and the keys taken out.

The keys of records never reach the file: where the key stood, the dump says NULL. Everything else
goes through as it came. mariadb-dump writes each row on a line of its own; a dump of another form
is refused, because a key could hide in it.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from medical_ai.ops.backups.errors import DumpFailed
from medical_ai.ops.backups.manifest import Contents, Keys, TableSum, plain_id

NAME = re.compile(rb"`([^`]+)`")
VALUE = re.compile(rb"'(?:[^'\\]|\\.|'')*'|[^,']+")
INSERT, VALUES = b"INSERT INTO `", b"` VALUES\n"
UNKNOWN_FORM = "This mariadb-dump writes rows in a form that is not known."
BINLOG = re.compile(rb"-- CHANGE MASTER TO MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=(\d+);")
END = b"-- Dump completed"
NULL = b"NULL"


@dataclass(slots=True)
class _Table:
    columns: list[bytes] = field(default_factory=list)
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class DumpReader:
    """Takes a dump's lines in order and gives back what is to be kept of each."""

    def __init__(self) -> None:
        self.is_complete = False
        self._tables: dict[bytes, _Table] = {}
        self._keys = Keys()
        self._schema_version = self._binlog = ""
        self._created: _Table | None = None
        self._filled: bytes | None = None

    def take(self, line: bytes) -> bytes:
        """Return the line as it is to be written. Raises DumpFailed for a form not known."""
        if self._filled is not None:
            return self._take_row(line)
        if self._created is not None:
            self._take_column(line)
        elif line.startswith(b"CREATE TABLE `"):
            self._created = self._tables[_name(line)] = _Table()
        elif line.startswith((b"INSERT", b"REPLACE", b"(")):
            self._begin_rows(line)
        elif found := BINLOG.match(line):
            self._binlog = b" ".join(found.groups()).decode()
            return b""  # the same rows give the same bytes, wherever the log stands
        elif line.startswith(END):
            self.is_complete = True
        return line

    def contents(self) -> Contents:
        """Return what was found. Raises DumpFailed where the dump was cut."""
        if not self.is_complete:
            raise DumpFailed("The dump has no end: mariadb-dump was cut off.")
        sums = {
            name.decode(): TableSum(rows=one.rows, sha256=one.digest.hexdigest())
            for name, one in self._tables.items()
        }
        return Contents(sums, self._keys, self._schema_version, self._binlog)

    def _take_column(self, line: bytes) -> None:
        if line.startswith(b"  `") and self._created is not None:
            self._created.columns.append(_name(line))
        elif line.startswith(b")"):
            self._created = None

    def _begin_rows(self, line: bytes) -> None:
        self._filled = _name(line)
        if line != INSERT + self._filled + VALUES or self._filled not in self._tables:
            raise DumpFailed(UNKNOWN_FORM)

    def _take_row(self, line: bytes) -> bytes:
        end = line[-2:]
        if not line.startswith(b"(") or end not in {b",\n", b";\n"}:
            raise DumpFailed("The dump was cut off within a table.")
        name = self._filled or b""
        table, row = self._tables[name], line[:-2]
        if name == b"patients":
            row = self._take_key(table, row)
        elif name == b"users":
            self._note_deleted(table, row)
        elif name == b"alembic_version":
            self._schema_version = _text(_split(table, row)[0])
        table.rows += 1
        table.digest.update(row + b"\n")
        if end == b";\n":
            self._filled = None
        return row + end

    def _take_key(self, table: _Table, row: bytes) -> bytes:
        values = _split(table, row)
        id_at, key_at = table.columns.index(b"id"), table.columns.index(b"data_key_sealed")
        key = values[key_at]
        sealed = None if key == NULL else bytes.fromhex(key.removeprefix(b"0x").decode())
        self._keys.patients[plain_id(_text(values[id_at]))] = sealed
        values[key_at] = NULL
        return b"(" + b",".join(values) + b")"

    def _note_deleted(self, table: _Table, row: bytes) -> None:
        if b"deleted_at" not in table.columns:
            return  # a version of the tables from before accounts could be deleted
        values = _split(table, row)
        if values[table.columns.index(b"deleted_at")] != NULL:
            self._keys.deleted.add(plain_id(_text(values[table.columns.index(b"id")])))


def _name(line: bytes) -> bytes:
    found = NAME.search(line)
    return found.group(1) if found else b""


def _split(table: _Table, row: bytes) -> list[bytes]:
    values = VALUE.findall(row[1:-1])
    if len(values) != len(table.columns):
        raise DumpFailed(UNKNOWN_FORM)
    return values


def _text(value: bytes) -> str:
    return value.decode().strip("'")
