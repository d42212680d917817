"""The chain: sealing it, and seeing whatever was done to it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from medical_ai.audit import sealing
from medical_ai.audit import service as audit
from medical_ai.audit.anchors import Anchor, anchor_of, read_anchors
from medical_ai.audit.chain import SEALED_COLUMNS, find_head, sealed_values
from medical_ai.audit.models import AuditBlock, AuditEvent, AuditSeal
from medical_ai.audit.signing import SigningKeys, keys_of
from medical_ai.audit.tags import AuditTag
from medical_ai.audit.verification import Problem, verify
from medical_ai.audit.verifier import COLUMNS
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.core.errors import InvalidInput
from medical_ai.core.ids import new_id
from tests.support.settings import make_settings
from tests.support.stores import without_triggers

pytestmark = pytest.mark.commits

BLOCKS, EACH = 3, 5
EVENTS, SEALS, CHAIN = AuditEvent.__table__, AuditSeal.__table__, AuditBlock.__table__


def record_some(database: Database, count: int = EACH) -> None:
    """Write some events."""
    with database.unit_of_work() as session:
        for number in range(count):
            audit.record(
                session,
                tag=AuditTag.RECORD_VIEWED,
                user_id=new_id(),
                hospital_id=new_id(),
                patient_id=new_id() if number % 2 else None,
                details={"resource": "medication", "näme": number} if number % 3 else None,
            )


@pytest.fixture
def chain(database: Database) -> list[list[UUID]]:
    """Three sealed blocks; the ids of the events of each, in their order."""
    for _ in range(BLOCKS):
        record_some(database)
        assert sealing.seal(database) == EACH
    with database.reading() as session:
        rows = session.execute(
            select(AuditSeal.block, AuditSeal.event_id).order_by(
                AuditSeal.block, AuditSeal.position
            )
        ).all()
    return [[row.event_id for row in rows if row.block == 1 + one] for one in range(BLOCKS)]


def tamper(database: Database, *changes: Any) -> None:
    """Do to the log what only the owner of the database can."""
    engine = database.engine.execution_options(begin_immediate=True)
    with engine.begin() as connection, without_triggers(connection):
        for change in changes:
            if callable(change):
                change(connection)
            else:
                connection.execute(change)


def problem_of(database: Database, **options: Any) -> Problem:
    """Verify, and return the problem there must be."""
    found = verify(database, **options).problem
    assert found is not None
    return found


def test_an_untouched_chain_is_sound(database: Database, chain: list[list[UUID]]) -> None:
    report = verify(database)
    assert (report.blocks, report.events, report.unsealed) == (BLOCKS, BLOCKS * EACH, 0)
    assert report.problem is None


def test_an_empty_log_is_sound(database: Database) -> None:
    assert verify(database).problem is None
    assert sealing.seal(database) == 0


def test_every_column_of_an_event_is_sealed() -> None:
    assert set(COLUMNS) == {column.name for column in EVENTS.columns}


OTHER_VALUES = {
    "at": clock.now() - timedelta(days=1),
    "tag": "medication:stopped",
    "details": {"resource": "record"},
    "subject_kind": "x",
    "actor_role": "billing",
    "via": "mcp",
    "address": "203.0.113.9",
    "basis": "own",
    "request_id": "0" * 32,
}


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "id"])
def test_an_edit_of_any_column_is_seen_and_named(
    database: Database, chain: list[list[UUID]], column: str
) -> None:
    edited = chain[1][2]
    other = OTHER_VALUES.get(column, new_id())
    tamper(database, update(EVENTS).where(EVENTS.c.id == edited).values({column: other}))
    found = problem_of(database)
    assert (found.block, found.position, found.event_id) == (2, 2, edited.hex)
    assert "edited" in found.what
    assert edited.hex in str(found)


def test_the_first_of_several_edits_is_named(database: Database, chain: list[list[UUID]]) -> None:
    for edited in (chain[2][0], chain[0][4], chain[1][1]):
        tamper(database, update(EVENTS).where(EVENTS.c.id == edited).values(tag="x"))
    assert problem_of(database).event_id == chain[0][4].hex


def test_a_removed_event_is_seen(database: Database, chain: list[list[UUID]]) -> None:
    tamper(database, delete(EVENTS).where(EVENTS.c.id == chain[1][0]))
    found = problem_of(database)
    assert (found.what, found.event_id) == ("this event was removed", chain[1][0].hex)


@pytest.mark.parametrize("position", [0, 2, EACH - 1])
def test_an_event_removed_with_its_seal_is_seen(
    database: Database, chain: list[list[UUID]], position: int
) -> None:
    gone = chain[1][position]
    tamper(
        database,
        delete(SEALS).where(SEALS.c.event_id == gone),
        delete(EVENTS).where(EVENTS.c.id == gone),
    )
    found = problem_of(database)
    assert (found.block, found.position) == (2, position)
    assert "removed" in found.what


STRANGE = ["NULL", "9e999", "-1", "x'00ff'", "'[[['", f"'{'[' * 100_000}'"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("value", STRANGE, ids=lambda one: str(one)[:8])
@pytest.mark.parametrize(
    "column",
    [
        *("audit_events.at", "audit_events.details", "audit_events.tag", "audit_seals.leaf"),
        *("audit_blocks.form", "audit_blocks.previous", "audit_blocks.root", "audit_blocks.size"),
        *("audit_blocks.sealed_at", "audit_blocks.digest", "audit_blocks.key_id"),
        "audit_blocks.signature",
    ],
)
def test_what_cannot_be_read_is_named_as_well(
    database: Database, chain: list[list[UUID]], column: str, value: str
) -> None:
    table, _, name = column.partition(".")
    where = "number = 2" if table == "audit_blocks" else f"rowid = {EACH + 2}"

    def write(connection: Connection) -> None:
        # SQLite takes anything, except that what must not be empty stays as it is.
        sql = f"UPDATE OR IGNORE {table} SET {name} = {value} WHERE {where}"  # noqa: S608 - ours
        connection.exec_driver_sql(sql)

    tamper(database, write)
    found = verify(database).problem
    assert found is None if value == "NULL" else found is not None and found.block == 2


def swap_positions(first: UUID, second: UUID) -> Callable[[Connection], None]:
    """Exchange the places of two events of the same block."""

    def swap(connection: Connection) -> None:
        rows = {
            row.event_id: row.position
            for row in connection.execute(
                select(SEALS).where(SEALS.c.event_id.in_([first, second]))
            )
        }
        for one, position in ((first, 999), (second, rows[first]), (first, rows[second])):
            connection.execute(
                update(SEALS).where(SEALS.c.event_id == one).values(position=position)
            )

    return swap


def test_reordered_events_are_seen(database: Database, chain: list[list[UUID]]) -> None:
    tamper(database, swap_positions(chain[1][1], chain[1][3]))
    found = problem_of(database)
    assert (found.what, found.block) == ("this event was reordered", 2)
    assert found.event_id == chain[1][2].hex


def test_an_event_moved_to_another_block_is_seen(
    database: Database, chain: list[list[UUID]]
) -> None:
    moved = chain[1][EACH - 1]
    values = {"block": 3, "position": EACH}
    tamper(database, update(SEALS).where(SEALS.c.event_id == moved).values(values))
    found = problem_of(database)
    assert (found.block, found.position) == (2, EACH - 1)


def test_an_edit_with_a_fitting_leaf_is_seen(database: Database, chain: list[list[UUID]]) -> None:
    from medical_ai.audit.verifier import leaf_of

    edited = chain[1][2]
    tamper(database, update(EVENTS).where(EVENTS.c.id == edited).values(tag="x"))
    with database.reading() as session:
        row = session.execute(select(*SEALED_COLUMNS).where(EVENTS.c.id == edited)).one()
    leaf = leaf_of(sealed_values(row))
    tamper(database, update(SEALS).where(SEALS.c.event_id == edited).values(leaf=leaf))
    assert problem_of(database).block == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("root", bytes(32)), ("previous", bytes(32)), ("digest", bytes(32)), ("size", 4),
        ("sealed_at", clock.now()), ("signature", bytes(64)), ("key_id", "0" * 16), ("form", 2),
    ],
)  # fmt: skip
def test_an_edited_block_is_seen(
    database: Database, chain: list[list[UUID]], column: str, value: Any
) -> None:
    tamper(database, update(CHAIN).where(CHAIN.c.number == 2).values({column: value}))
    assert problem_of(database).block == 2


def with_ring(settings: Settings, ring: str) -> Settings:
    """Return settings for the same database with another key ring."""
    return make_settings(
        encryption_keys=ring, database_url=settings.database_url, data_dir=settings.data_dir
    )


def test_a_chain_forged_without_the_ring_is_seen(
    database: Database, settings: Settings, chain: list[list[UUID]]
) -> None:
    edited = chain[0][0]
    tamper(
        database,
        delete(SEALS),
        delete(CHAIN),
        update(EVENTS).where(EVENTS.c.id == edited).values(tag="x"),
    )
    forger = Database(with_ring(settings, "A" * 43 + "="))
    assert sealing.seal(forger, sweep=True) == BLOCKS * EACH
    forger.dispose()
    found = problem_of(database)
    assert (found.block, "signature" in found.what) == (1, True)


def test_a_removed_block_is_seen(database: Database, chain: list[list[UUID]]) -> None:
    tamper(
        database,
        delete(SEALS).where(SEALS.c.block == 2),
        delete(CHAIN).where(CHAIN.c.number == 2),
    )
    assert (problem_of(database).what, problem_of(database).block) == ("this block was removed", 2)


def cut(database: Database, number: int) -> None:
    """Take away a block and everything after it, with the events, so that nothing is loose."""
    gone = select(SEALS.c.event_id).where(SEALS.c.block >= number)

    def remove(connection: Connection) -> None:
        ids = list(connection.execute(gone).scalars())
        connection.execute(delete(SEALS).where(SEALS.c.block >= number))
        connection.execute(delete(CHAIN).where(CHAIN.c.number >= number))
        connection.execute(delete(EVENTS).where(EVENTS.c.id.in_(ids)))

    tamper(database, remove)


def head_of(database: Database) -> Anchor:
    """Return the present head as an anchor."""
    with database.reading() as session:
        head = find_head(session)
    assert head is not None
    return anchor_of(head)


def test_a_cut_chain_is_seen_against_an_anchor_and_only_so(
    database: Database, chain: list[list[UUID]]
) -> None:
    anchor = head_of(database)
    assert verify(database, anchors=[anchor]).problem is None
    cut(database, 3)
    assert verify(database).problem is None
    found = problem_of(database, anchors=[anchor])
    assert (found.block, "cut" in found.what) == (3, True)


def test_a_chain_that_was_cut_and_continued_is_another_one(
    database: Database, chain: list[list[UUID]]
) -> None:
    anchor = head_of(database)
    cut(database, 3)
    record_some(database)
    assert sealing.seal(database) == EACH
    assert verify(database).problem is None
    assert "another" in problem_of(database, anchors=[anchor]).what


def test_anchors_are_read_back_and_forged_ones_refused(
    database: Database, settings: Settings, chain: list[list[UUID]]
) -> None:
    anchor, keys = head_of(database), keys_of(settings)
    assert read_anchors([anchor.spell(), "", anchor.spell()], keys) == [anchor, anchor]
    forged = replace(anchor, digest="00" * 32).spell()
    for bad in (forged, "{}", "no json", "[" * 5000, '{"number": 1}'):
        with pytest.raises(InvalidInput, match="Line 2 of the anchors"):
            read_anchors([anchor.spell(), bad], keys)


def test_a_key_that_is_behind_the_first_still_verifies(
    database: Database, settings: Settings, chain: list[list[UUID]]
) -> None:
    both = "B" * 43 + "=," + settings.encryption_keys.get_secret_value()
    renewed = Database(with_ring(settings, both))
    record_some(renewed)
    assert sealing.seal(renewed) == EACH
    assert verify(renewed).problem is None
    renewed.dispose()
    assert "key" in problem_of(database).what  # who has the old key alone


def test_signatures_are_of_one_key_and_one_digest(settings: Settings) -> None:
    ours, others = SigningKeys(settings.ring_keys), SigningKeys((b"x" * 32,))
    signature = ours.sign(b"a" * 32)
    assert ours.fits(signature, b"a" * 32)
    assert not ours.fits(signature, b"b" * 32)
    assert not others.fits(signature, b"a" * 32)
    assert ours.public_keys().keys() == {signature.key_id}


def test_what_commits_late_is_sealed_in_a_later_block(database: Database) -> None:
    record_some(database, 1)
    early = database.open_session(writes=False)
    late_id = new_id()
    record_some(database, 1)
    assert sealing.seal(database) == 2
    with database.unit_of_work() as session:
        session.add(AuditEvent(id=late_id, tag="x"))
    early.close()
    assert sealing.seal(database) == 1
    assert verify(database).problem is None
    with database.reading() as session:
        assert session.get_one(AuditSeal, late_id).block == 2


def test_what_is_very_late_waits_for_a_sweep_and_is_reported_meanwhile(database: Database) -> None:
    record_some(database, 1)
    assert sealing.seal(database) == 1
    very_late = UUID(int=new_id().int - (3_600_000 << 80))
    with database.unit_of_work() as session:
        session.add(AuditEvent(id=very_late, at=clock.now() - timedelta(hours=1), tag="x"))
    assert sealing.seal(database) == 0
    assert "1 events are not sealed after 5 minutes" in problem_of(database).what
    with database.reading() as session:
        assert not sealing.is_keeping_up(session)
    assert sealing.seal(database, sweep=True) == 1
    assert verify(database).problem is None
    with database.reading() as session:
        assert sealing.is_keeping_up(session)


def test_an_id_from_a_clock_that_is_ahead_hides_nothing(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(AuditEvent(id=UUID(int=new_id().int + (3_600_000 << 80)), tag="x"))
    assert sealing.seal(database) == 1
    record_some(database)
    assert sealing.seal(database) == EACH


def test_events_of_the_last_minutes_may_wait(database: Database) -> None:
    record_some(database)
    assert verify(database).problem is None
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert problem_of(database).what.startswith("5 events are not sealed")


def test_a_large_batch_becomes_several_blocks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "BLOCK_SIZE", 4)
    record_some(database, 10)
    assert [sealing.seal(database) for _ in range(4)] == [4, 4, 2, 0]
    assert verify(database).problem is None


def test_workers_that_seal_at_once_seal_everything_once(database: Database) -> None:
    record_some(database, 300)
    sealed: list[int] = []

    def work() -> None:
        own = Database(database.settings)
        for _ in range(30):
            try:
                sealed.append(sealing.seal(own))
            except DBAPIError:  # met another one's lock; the next tick comes
                continue
        own.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    record_some(database, 50)
    for thread in threads:
        thread.join()
    while more := sealing.seal(database):
        sealed.append(more)
    assert sum(sealed) == 350
    report = verify(database)
    assert (report.events, report.problem) == (350, None)


def test_several_processes_find_the_same(
    database: Database, chain: list[list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from medical_ai.audit import verification

    monkeypatch.setattr(verification, "WORTH_ANOTHER_PROCESS", 1)
    monkeypatch.setattr(verification, "EVENTS_AT_ONCE", EACH)
    assert verify(database, processes=2).problem is None
    for edited in (chain[2][0], chain[1][3]):
        tamper(database, update(EVENTS).where(EVENTS.c.id == edited).values(tag="x"))
    assert problem_of(database, processes=2).event_id == chain[1][3].hex


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("table", ["audit_events", "audit_seals", "audit_blocks"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid"])
def test_sqlite_refuses_to_change_the_log(
    database: Database, chain: list[list[UUID]], table: str, change: str
) -> None:
    with (
        pytest.raises(DBAPIError, match="append-only"),
        database.engine.execution_options(begin_immediate=True).begin() as connection,
    ):
        connection.execute(text(change.format(table)))


def test_an_event_can_be_sealed_once_only(database: Database, chain: list[list[UUID]]) -> None:
    again = {"event_id": chain[0][0], "block": 3, "position": EACH, "leaf": bytes(32)}
    with pytest.raises(DBAPIError), database.engine.begin() as connection:
        connection.execute(insert(SEALS).values(again))
