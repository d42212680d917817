"""What sealing and verifying share: how rows are read for a leaf, and the head of the chain."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from medical_ai.audit.models import AuditBlock, AuditEvent
from medical_ai.audit.verifier import COLUMNS, digest_of

DASHED_LENGTH = 36
FIRST_PREVIOUS = bytes(32)
AT, DETAILS = COLUMNS.index("at"), COLUMNS.index("details")
IDS = tuple(place for place, name in enumerate(COLUMNS) if name == "id" or name.endswith("_id"))

# As the driver gives them: a million events are verified in a minute, and turning hex into UUIDs
# and back would take a third of it.
SEALED_COLUMNS = tuple(
    type_coerce(AuditEvent.__table__.c[name], NullType()).label(name) for name in COLUMNS
)

BLOCK_COLUMNS = tuple(
    type_coerce(column, NullType()).label(column.name) if column.name == "sealed_at" else column
    for column in AuditBlock.__table__.columns
)
"""With the moment as the driver gives it: one that cannot be read must not hide which it is of."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the chain as it is stored."""

    number: int
    form: int
    previous: bytes
    root: bytes
    size: int
    sealed_at: str
    digest: bytes
    key_id: str
    signature: bytes

    def computed_digest(self) -> bytes:
        """Return the digest that fits what the block says."""
        return digest_of(
            self.number, self.previous, self.root, self.size, self.sealed_at, form=self.form
        )


def spell_moment(moment: datetime) -> str:
    """Return a moment as it stands in a seal: UTC, with microseconds, without a zone."""
    naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return naive.isoformat(sep=" ", timespec="microseconds")


def sealed_values(row: Sequence[Any]) -> list[Any]:
    """Return an event's columns as plain JSON values, the same on both databases."""
    values = list(row)
    if isinstance(values[AT], datetime):  # MariaDB, which has a type of its own for ids as well
        values[AT] = spell_moment(values[AT])
        for place in IDS:
            values[place] = hex_id(values[place])
    values[DETAILS] = {} if values[DETAILS] == "{}" else _read(values[DETAILS])
    return values


def hex_id(spelled: str | None) -> str | None:
    """Return an id as the driver gave it in plain hex; `request_id` may be any text."""
    return spelled.replace("-", "") if spelled and len(spelled) == DASHED_LENGTH else spelled


def find_head(session: Session) -> Block | None:
    """Return the newest block, if there is one."""
    row = session.execute(
        select(AuditBlock.__table__).order_by(AuditBlock.number.desc()).limit(1)
    ).mappings()
    found = row.one_or_none()
    return block_of(found) if found else None


def block_of(row: RowMapping) -> Block:
    """Return a block from its row."""
    at = row["sealed_at"]
    return Block(**{**row, "sealed_at": spell_moment(at) if isinstance(at, datetime) else at})


@lru_cache(maxsize=4096)
def _read(details: Any) -> Any:
    # Most events say one of a few things; what is returned here is only ever spelled again.
    try:
        return json.loads(details)
    except (ValueError, TypeError):
        return details  # not what was written: its leaf will not fit
