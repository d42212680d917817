"""What `/health` says of backups: nothing is expected before one was tried, then they must come."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.orm import Session

from medical_ai.core import clock
from medical_ai.ops.backups.errors import DumpFailed
from medical_ai.ops.backups.service import BACKUP, PROOF, LastRuns, last_runs, record_run

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def run(session: Session, kind: str, age: timedelta, error: Exception | None = None) -> None:
    """Record a run that ended some time ago."""
    with time_machine.travel(clock.now() - age, tick=False):
        record_run(session, kind=kind, started_at=clock.now(), snapshot="abc", error=error)
        session.flush()


def said(session: Session) -> tuple[str, str]:
    """Return what is said of backups and of the proof."""
    runs = last_runs(session)
    return runs.backup, runs.restore_proof


def test_where_no_backup_was_tried_none_is_expected(session: Session) -> None:
    assert last_runs(session) == LastRuns(False, None, None, "pass", "pass")


def test_after_the_first_backup_the_proof_has_its_time(session: Session) -> None:
    run(session, BACKUP, HOUR)
    assert said(session) == ("pass", "pass")
    assert last_runs(session).is_expected


@pytest.mark.parametrize(
    ("age", "word"), [(35 * HOUR, "pass"), (37 * HOUR, "warn"), (30 * DAY, "warn")]
)
def test_a_backup_that_does_not_come_is_missed(session: Session, age: timedelta, word: str) -> None:
    run(session, BACKUP, age)
    assert last_runs(session).backup == word


def test_one_that_failed_is_told_until_the_next_is_good(session: Session) -> None:
    run(session, BACKUP, 3 * HOUR)
    run(session, BACKUP, 2 * HOUR, error=DumpFailed("a word"))
    assert said(session) == ("warn", "pass")
    run(session, BACKUP, HOUR)
    assert said(session) == ("pass", "pass")


def test_a_proof_that_failed_or_does_not_come_is_told(session: Session) -> None:
    for age in (20 * DAY, HOUR):
        run(session, BACKUP, age)
    assert said(session) == ("pass", "warn")
    run(session, PROOF, 8 * DAY)
    assert said(session) == ("pass", "pass")
    run(session, PROOF, DAY, error=DumpFailed("a word"))
    assert said(session) == ("pass", "warn")


def test_a_first_backup_that_failed_is_told(session: Session) -> None:
    run(session, BACKUP, HOUR, error=DumpFailed("a word"))
    assert said(session) == ("warn", "pass")


def test_runs_are_forgotten_after_a_year(session: Session) -> None:
    run(session, BACKUP, 401 * DAY)
    run(session, PROOF, HOUR)
    assert last_runs(session).backup_at is None
