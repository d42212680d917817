"""What a backup says of itself, and the keys that stand beside it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from medical_ai.ops.backups.errors import ProofFailed

Kind = Literal["mariadb", "sqlite"]
MANIFEST, KEYS = "manifest.json", "keys.tsv"
PATIENT, ACCOUNT, NONE = "patient", "deleted", "-"


class TableSum(BaseModel):
    """How many rows a table has, and the SHA-256 over them in the order of their key."""

    model_config = ConfigDict(frozen=True)

    rows: int
    sha256: str


class Manifest(BaseModel):
    """What is in one backup. Computed from the dump itself, so it is of the very same moment.

    `binlog` is where MariaDB's log of changes stood: file and position; empty where none is kept.
    """

    model_config = ConfigDict(frozen=True)

    backup_id: str
    made_at: datetime
    kind: Kind
    release: str
    schema_version: str
    binlog: str = ""
    tables: dict[str, TableSum]

    def write(self, folder: Path) -> None:
        """Write the manifest beside the dump."""
        (folder / MANIFEST).write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a backup that was fetched. Raises ProofFailed."""
        try:
            return cls.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, ValidationError):
            raise ProofFailed("The backup has no manifest that can be read.") from None

    def compare(self, tables: dict[str, TableSum]) -> None:
        """Raise ProofFailed naming the first table that is not as it was backed up."""
        for name in sorted(self.tables | tables):
            wanted, found = self.tables.get(name), tables.get(name)
            if wanted != found:
                counted = (wanted.rows if wanted else 0, found.rows if found else 0)
                raise ProofFailed(
                    f"Table {name} is not as it was backed up: {counted[0]} rows then,"
                    f" {counted[1]} rows now."
                )


@dataclass(slots=True)
class Keys:
    """The sealed key of every record, by the record's id; None where it was destroyed.

    `deleted` are accounts that are deleted. Ids are 32 hexadecimal digits, as no database
    spells them.
    """

    patients: dict[str, bytes | None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def write(self, folder: Path) -> None:
        """Write one line for each record and each deleted account, in order."""
        lines = [
            f"{PATIENT}\t{one}\t{key.hex() if key else NONE}\n"
            for one, key in sorted(self.patients.items())
        ]
        lines += [f"{ACCOUNT}\t{one}\t{NONE}\n" for one in sorted(self.deleted)]
        (folder / KEYS).write_text("".join(lines), encoding="ascii")

    @classmethod
    def read(cls, folder: Path) -> "Keys":
        """Read what `write` wrote. Raises ProofFailed."""
        keys = cls()
        try:
            for line in (folder / KEYS).read_text(encoding="ascii").splitlines():
                kind, one, value = line.split("\t")
                if kind == PATIENT:
                    keys.patients[one] = None if value == NONE else bytes.fromhex(value)
                else:
                    keys.deleted.add(one)
        except (OSError, ValueError):
            raise ProofFailed("The keys of the backup cannot be read.") from None
        return keys

    def after(self, newer: "Keys") -> "Keys":
        """Return these keys as far as what happened later lets them be.

        A key destroyed later stays destroyed; one that was sealed anew is taken as it is now.
        """
        return Keys(self.patients | newer.patients, self.deleted | newer.deleted)


@dataclass(frozen=True, slots=True)
class Contents:
    """What reading a database to its end found."""

    tables: dict[str, TableSum]
    keys: Keys
    schema_version: str
    binlog: str = ""


def plain_id(text: str) -> str:
    """Return an id as 32 digits: MariaDB writes the hyphens, SQLite does not."""
    return text.replace("-", "").lower()


def count_rows(tables: Iterable[TableSum]) -> int:
    """Return the rows of all tables together."""
    return sum(one.rows for one in tables)
