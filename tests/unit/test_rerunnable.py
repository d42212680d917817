"""Statements of migrations are spelled so that they may be run twice, or refused."""

import pytest

from medical_ai.migrations.rerunnable import NotRerunnable, make_rerunnable


@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("\nCREATE TABLE t (\n\ta INT)", "CREATE TABLE IF NOT EXISTS t (\n\ta INT)"),
        ("CREATE INDEX i ON t (a)", "CREATE INDEX IF NOT EXISTS i ON t (a)"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)"),
        ("ALTER TABLE t ADD COLUMN a INT", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT"),
        (
            "ALTER TABLE `a t` ADD CONSTRAINT u UNIQUE (a)",
            "ALTER TABLE `a t` ADD CONSTRAINT u UNIQUE IF NOT EXISTS (a)",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY(a) REFERENCES p (id)",
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY IF NOT EXISTS(a) REFERENCES p (id)",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            "ALTER TABLE t ADD CONSTRAINT IF NOT EXISTS c CHECK (a > 0)",
        ),
        ("ALTER TABLE t DROP COLUMN a", "ALTER TABLE t DROP COLUMN IF EXISTS a"),
        ("ALTER TABLE t DROP INDEX u", "ALTER TABLE t DROP INDEX IF EXISTS u"),
        ("ALTER TABLE t DROP FOREIGN KEY f", "ALTER TABLE t DROP FOREIGN KEY IF EXISTS f"),
        ("ALTER TABLE t DROP CONSTRAINT c", "ALTER TABLE t DROP CONSTRAINT IF EXISTS c"),
        ("DROP INDEX i ON t", "DROP INDEX IF EXISTS i ON t"),
        ("DROP TABLE t", "DROP TABLE IF EXISTS t"),
    ],
)
def test_what_is_there_already_is_well(written: str, run: str) -> None:
    assert make_rerunnable(written) == run
    assert make_rerunnable(run) == run


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1",
        "UPDATE users SET email = lower(email)",
        "DELETE FROM jobs WHERE id IS NULL",
        "INSERT IGNORE INTO t SELECT 1",
        "INSERT INTO alembic_version (version_num) VALUES ('0001')",
        "ALTER TABLE t MODIFY a INT NOT NULL",
        "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1",
    ],
)
def test_what_may_be_said_as_often_as_one_likes_stays(statement: str) -> None:
    assert make_rerunnable(statement) == statement


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t CHANGE a b INT",
        "RENAME TABLE t TO u",
        "TRUNCATE TABLE t",
        "CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW SET NEW.a = 1",
        "ALTER TABLE t DROP PRIMARY KEY",
        "INSERT INTO t VALUES (1)",
        "REPLACE INTO t VALUES (1)",
    ],
)
def test_what_would_fail_the_second_time_is_refused(statement: str) -> None:
    with pytest.raises(NotRerunnable, match=statement.split()[0]):
        make_rerunnable(statement)
