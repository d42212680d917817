"""Verifying the chain: every event against its leaf, every block against the one before.

Names the first thing that does not fit. The chain's own links are followed here; what the blocks
hold is read in ranges, which several processes share.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from multiprocessing import get_context
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from medical_ai.audit.anchors import Anchor
from medical_ai.audit.chain import (
    BLOCK_COLUMNS,
    FIRST_PREVIOUS,
    SEALED_COLUMNS,
    Block,
    block_of,
    hex_id,
    sealed_values,
)
from medical_ai.audit.models import AuditBlock, AuditEvent, AuditSeal
from medical_ai.audit.sealing import TOO_LONG, count_unsealed
from medical_ai.audit.signing import Signature, SigningKeys, keys_of
from medical_ai.audit.verifier import FORM, leaf_of, root_of
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, settings_of

UNREADABLE = (TypeError, ValueError, AttributeError, RecursionError)
"""What reading a value ends in that we never wrote: SQLite keeps any kind in any column."""
EVENTS_AT_ONCE = 20_000
WORTH_ANOTHER_PROCESS = 50_000


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not fit, and where: the first that was found."""

    what: str
    block: int | None = None
    position: int | None = None
    event_id: str | None = None

    def __str__(self) -> str:
        """Return one line for an operator."""
        where = (("block", self.block), ("position", self.position), ("event", self.event_id))
        named = ", ".join(f"{name} {value}" for name, value in where if value is not None)
        return f"{named}: {self.what}" if named else self.what


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified, how long it took, and the first thing that does not fit."""

    blocks: int
    events: int
    unsealed: int
    seconds: float
    problem: Problem | None


@dataclass(slots=True)
class Links:
    """What following the chain's links found: ranges of blocks that hold together, and the end.

    `reached` is the digest of each block that an anchor names.
    """

    blocks: int = 0
    events: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)
    reached: dict[int, str] = field(default_factory=dict)
    problem: Problem | None = None


def verify(database: Database, *, anchors: Sequence[Anchor] = (), processes: int = 1) -> Report:
    """Verify the whole chain, and that it reaches every anchor.

    With `processes` above 1 a large chain is read by as many, each with a connection of its own.
    """
    began = time.monotonic()
    with database.reading() as session:
        links = follow_links(session, {anchor.number for anchor in anchors})
        problem = _check_ranges(database, session, links, processes) or links.problem
        problem = problem or _check_strays(session, links.blocks) or check_anchors(links, anchors)
        unsealed = count_unsealed(session)
    if problem is None and unsealed:
        minutes = int(TOO_LONG.total_seconds() // 60)
        problem = Problem(f"{unsealed} events are not sealed after {minutes} minutes")
    return Report(links.blocks, links.events, unsealed, time.monotonic() - began, problem)


def follow_links(session: Session, anchored: Collection[int]) -> Links:
    """Follow the chain from its beginning to its end, or to the first block that does not fit."""
    links, previous, first, size = Links(), FIRST_PREVIOUS, 1, 0
    try:
        for block in _list_blocks(session):
            links.problem = _check_link(block, links.blocks + 1, previous)
            if links.problem is not None:
                break
            links.blocks, links.events = block.number, links.events + block.size
            previous = block.digest
            if block.number in anchored:
                links.reached[block.number] = block.digest.hex()
            size += block.size
            if size >= EVENTS_AT_ONCE:
                links.ranges.append((first, block.number))
                first, size = block.number + 1, 0
    except UNREADABLE:
        links.problem = Problem("this block cannot be read", links.blocks + 1)
    if links.blocks >= first:
        links.ranges.append((first, links.blocks))
    return links


def _check_link(block: Block, number: int, previous: bytes) -> Problem | None:
    if block.number != number:
        return Problem("this block was removed", number)
    if block.form != FORM:
        return Problem("this block is of a form that is not known", number)
    if block.previous != previous:
        return Problem("this block does not follow the one before it", number)
    if block.computed_digest() != block.digest:
        return Problem("this block was edited", number)
    return None


def check_anchors(links: Links, anchors: Sequence[Anchor]) -> Problem | None:
    """Return the first anchor that the chain does not reach, or passes by."""
    for anchor in sorted(anchors, key=lambda one: one.number):
        if anchor.number > links.blocks:
            return Problem("the chain was cut: an anchor names this block", anchor.number)
        if links.reached[anchor.number] != anchor.digest:
            return Problem("the chain is another one: an anchor says otherwise", anchor.number)
    return None


def check_contents(session: Session, first: int, last: int) -> Problem | None:
    """Check signatures and every event of some neighbouring blocks; return the first problem."""
    keys = keys_of(settings_of(session))
    rows = _rows_of(session, first, last)
    for block in _list_blocks(session, first, last):
        try:
            problem = _check_content(keys, block, rows.get(block.number, []))
        except UNREADABLE:
            problem = Problem("something of this block cannot be read", block.number)
        if problem is not None:
            return problem
    return None


def _check_content(keys: SigningKeys, block: Block, rows: Sequence[Any]) -> Problem | None:
    if not keys.fits(Signature(block.key_id, block.signature), block.digest):
        return Problem("the signature does not fit, or its key left the ring", block.number)
    return check_block(block, rows)


def check_block(block: Block, rows: Sequence[Any]) -> Problem | None:
    """Return the first event of a block that is not as it was sealed."""
    before = ""
    for position, row in enumerate(rows):
        if row.position != position:
            break
        what = _check_event(row, before)
        if what:
            return Problem(what, block.number, position, hex_id(row.event_id))
        before = row.event_id
    else:
        if root_of([row.leaf for row in rows]) == block.root:
            return None
        if len(rows) >= block.size:
            what = "events of this block, and their seals, were added or replaced"
            return Problem(what, block.number)
        position = len(rows)
    return Problem("an event and its seal were removed", block.number, position)


def _check_event(row: Any, before: str) -> str:
    if row.id is None:
        return "this event was removed"
    if row.event_id <= before:
        return "this event was reordered"
    return "" if _is_as_sealed(row) else "this event, or its seal, was edited"


def _is_as_sealed(row: Any) -> bool:
    try:
        return bool(leaf_of(sealed_values(row[_FIRST_COLUMN:])) == row.leaf)
    except UNREADABLE:
        return False


_FIRST_COLUMN = 4
"""Where the event's own columns begin in a row, after those of its seal."""


def _rows_of(session: Session, first: int, last: int) -> dict[int, list[Any]]:
    seals = AuditSeal.__table__
    query = (
        select(
            seals.c.block,
            seals.c.position,
            func.lower(seals.c.event_id).label("event_id"),  # as text: see SEALED_COLUMNS
            seals.c.leaf,
            *SEALED_COLUMNS,
        )
        .outerjoin(AuditEvent, AuditEvent.id == seals.c.event_id)
        .where(seals.c.block.between(first, last))
        .order_by(seals.c.block, seals.c.position)
    )
    rows: dict[int, list[Any]] = {}
    for row in session.execute(query):
        rows.setdefault(row.block, []).append(row)
    return rows


def _check_ranges(
    database: Database, session: Session, links: Links, processes: int
) -> Problem | None:
    if processes == 1 or links.events < WORTH_ANOTHER_PROCESS:
        checked = (check_contents(session, first, last) for first, last in links.ranges)
        return next((one for one in checked if one is not None), None)
    # Handed out in order, so that the first problem found is the first of all.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = pool.map(_check_apart, repeat(database.settings), links.ranges)
        problem = next((one for one in found if one is not None), None)
        pool.shutdown(cancel_futures=True)
    return problem


def _check_apart(settings: Settings, span: tuple[int, int]) -> Problem | None:
    database = Database(settings)
    try:
        with database.reading() as session:
            return check_contents(session, *span)
    finally:
        database.dispose()


def _list_blocks(session: Session, first: int = 1, last: int | None = None) -> Iterator[Block]:
    query = select(*BLOCK_COLUMNS).where(AuditBlock.number >= first)
    if last is not None:
        query = query.where(AuditBlock.number <= last)
    found = session.execute(query.order_by(AuditBlock.number).execution_options(yield_per=1000))
    return map(block_of, found.mappings())


def _check_strays(session: Session, blocks: int) -> Problem | None:
    """Find seals of blocks that are gone: removed from the end, a block is missed by no link."""
    stray = session.scalar(select(func.min(AuditSeal.block)).where(AuditSeal.block > blocks))
    return None if stray is None else Problem("this block was removed", stray)
