"""The embedded database as backups see it: a compact copy of one moment, without the keys.

`VACUUM INTO` reads in one transaction while others write, and leaves nothing behind of what was
deleted. The keys are overwritten in the copy before anything else sees it.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Timer

from pydantic import SecretStr
from sqlalchemy import make_url

from medical_ai.core.config import Settings
from medical_ai.ops.backups.errors import DumpFailed, LoadFailed
from medical_ai.ops.backups.manifest import Contents, Keys, Kind, TableSum, plain_id

BUSY_SECONDS = 10.0
TAKEN_OUT = ("patients", "data_key_sealed")


class SQLiteStore:
    """One file; `name` stands in for the one that the settings name."""

    kind: Kind = "sqlite"
    file_name = "data.db"

    def __init__(
        self, settings: Settings, *, folder: Path, seconds: float, name: str | None = None
    ) -> None:
        del folder  # nothing is needed beside the file
        self._seconds = seconds
        live = Path(make_url(settings.sqlalchemy_url).database or "").absolute()
        self._path = live.with_name(f"{name}.db") if name else live
        self.settings = settings.with_database(SecretStr(f"sqlite:///{self._path}"))

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def live_files(self) -> tuple[Path, ...]:
        """The file and what SQLite keeps beside it: no backup takes them as they lie there."""
        return (self._path, *self._beside())

    def save(self, folder: Path) -> Contents:
        """Write a copy without keys into a folder. Raises DumpFailed."""
        target = folder / self.file_name
        try:
            with closing(self._connect()) as source, self._limited(source):
                source.execute("VACUUM INTO ?", (str(target),))
            target.chmod(0o600)
            with closing(sqlite3.connect(target)) as copy:
                contents = _read(copy)
                _take_keys(copy)
                sound = copy.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.Error as error:
            raise DumpFailed(f"SQLite could not copy the database: {error}.") from None
        if sound != "ok":
            raise DumpFailed("The copy of the database is damaged.")
        return contents

    def read(self) -> Contents:
        """Return what is in the database; the keys count as taken out, as in a backup."""
        with closing(self._connect()) as source:
            source.execute("BEGIN")
            return _read(source)

    def create(self) -> None:
        """Make sure that there is a folder for the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    def list_rows(self) -> dict[str, int]:
        """Return how many rows each table has; an empty dictionary where there is no file."""
        if not self._path.exists() or not self._path.stat().st_size:
            return {}
        try:
            with closing(self._connect()) as source:
                return {name: _count(source, name) for name in _names(source)}
        except sqlite3.Error:
            raise LoadFailed("What lies there now is no database that can be read.") from None

    def clear(self) -> None:
        """Remove the file and what stands beside it."""
        for path in (self._path, *self._beside()):
            path.unlink(missing_ok=True)

    def load(self, folder: Path) -> None:
        """Put the copy in place: all of it or nothing."""
        fresh = self._path.with_name(f"{self._path.name}.restored")
        shutil.copyfile(folder / self.file_name, fresh)
        fresh.chmod(0o600)
        self.clear()
        os.replace(fresh, self._path)

    def drop(self) -> None:
        """Remove the database."""
        self.clear()

    @contextmanager
    def _limited(self, source: sqlite3.Connection) -> Iterator[None]:
        timer = Timer(self._seconds, source.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _beside(self) -> list[Path]:
        return [self._path.with_name(f"{self._path.name}{end}") for end in ("-wal", "-shm")]

    def _connect(self) -> sqlite3.Connection:
        # mode=rw: a file that is not there is an error, and no reason to make an empty one.
        address = f"file:{self._path}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _take_keys(copy: sqlite3.Connection) -> None:
    """Overwrite the keys where they stand, so that no journal keeps what stood there."""
    copy.execute("PRAGMA secure_delete=ON")
    copy.execute("PRAGMA journal_mode=MEMORY")
    if "patients" in _names(copy):
        with copy:
            copy.execute("UPDATE patients SET data_key_sealed = NULL")


def _read(source: sqlite3.Connection) -> Contents:
    tables = {name: _sum(source, name) for name in _names(source)}
    version = ""
    if "alembic_version" in tables:
        found = source.execute("SELECT version_num FROM alembic_version").fetchone()
        version = str(found[0]) if found else ""
    return Contents(tables, _find_keys(source, set(tables)), version)


def _find_keys(source: sqlite3.Connection, names: set[str]) -> Keys:
    keys = Keys()
    if "patients" in names:
        for one, key in source.execute("SELECT id, data_key_sealed FROM patients"):
            keys.patients[plain_id(one)] = key
    if "deleted_at" in _columns(source, "users"):
        found = source.execute("SELECT id FROM users WHERE deleted_at IS NOT NULL")
        keys.deleted = {plain_id(row[0]) for row in found}
    return keys


def _sum(source: sqlite3.Connection, name: str) -> TableSum:
    """Hash the rows in the order of their key, each as Python spells it; a sealed key as none."""
    columns = _columns(source, name)
    key = [f'"{column}"' for column, place in columns.items() if place]
    shown = ["NULL" if (name, one) == TAKEN_OUT else f'"{one}"' for one in columns]
    digest, rows = hashlib.sha256(), 0
    query = f'SELECT {", ".join(shown)} FROM "{name}" ORDER BY {", ".join(key) or "rowid"}'  # noqa: S608 - a table's own names  # nosec B608
    for row in source.execute(query):
        digest.update(repr(row).encode())
        rows += 1
    return TableSum(rows=rows, sha256=digest.hexdigest())


def _names(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return sorted(row[0] for row in connection.execute(query))


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, int]:
    """Return a table's columns, each with its place in the primary key or 0."""
    return {row[1]: row[5] for row in connection.execute(f'PRAGMA table_info("{table}")')}


def _count(connection: sqlite3.Connection, name: str) -> int:
    query = f'SELECT COUNT(*) FROM "{name}"'  # noqa: S608 - a table's own name  # nosec B608
    return int(connection.execute(query).fetchone()[0])
