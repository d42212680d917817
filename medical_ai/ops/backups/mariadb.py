"""One MariaDB database as backups see it: saved by mariadb-dump, loaded by mariadb.

The password goes to both in an option file that only we can read, never on a command line.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from medical_ai.core.config import Settings
from medical_ai.core.database import mariadb_connect_args
from medical_ai.ops.backups.errors import DumpFailed, LoadFailed
from medical_ai.ops.backups.manifest import Contents, Kind
from medical_ai.ops.backups.processes import reading, run
from medical_ai.ops.backups.sql_dump import DumpReader
from medical_ai.ops.host.rights import account_of

DUMP = (
    "--single-transaction",  # one moment, and nobody waits
    "--quick",
    "--hex-blob",
    "--no-tablespaces",  # or it wants the PROCESS privilege
    "--skip-triggers",  # there are none, and looking for them wants a privilege
    "--skip-add-locks",
    "--skip-disable-keys",
    "--skip-add-drop-table",  # a dump cannot destroy what is there
    "--skip-dump-date",  # the same rows give the same bytes
    "--order-by-primary",
)
WITH_POSITION = "--master-data=2"
"""Where the log of changes stood at that moment, for replaying it up to another."""
NUMBER = re.compile(r"(?i:error:?) (\d+)|\((\d{4})\)")


class MariaStore:
    """A database of a MariaDB server; `name` stands in for the one that the settings name."""

    kind: Kind = "mariadb"
    file_name = "data.sql"
    live_files: tuple[Path, ...] = ()

    def __init__(
        self, settings: Settings, *, folder: Path, seconds: float, name: str | None = None
    ) -> None:
        url = make_url(settings.sqlalchemy_url)
        self._url: URL = url.set(database=name) if name else url
        self._folder, self._seconds = folder, seconds
        spelled = SecretStr(self._url.render_as_string(hide_password=False))
        self.settings = settings.with_database(spelled)

    @property
    def name(self) -> str:
        """The database's name."""
        return self._url.database or ""

    def save(self, folder: Path) -> Contents:
        """Write a dump into a folder. Raises DumpFailed; what was written is then worthless."""
        path, written = folder / self.file_name, 0
        with path.open("wb") as output:

            def keep(line: bytes) -> None:
                nonlocal written
                written += output.write(line)

            contents = self._dump(keep)
        if path.stat().st_size != written:
            raise DumpFailed("The dump is shorter on the disk than what was written.")
        return contents

    def read(self) -> Contents:
        """Return what is in the database, read as for a dump but written nowhere."""
        return self._dump(lambda _: None)

    def create(self) -> None:
        """Create the database where there is none, and make sure that it can be reached."""
        try:
            self._execute(f"CREATE DATABASE IF NOT EXISTS `{self.name}` CHARACTER SET utf8mb4")
        except SQLAlchemyError:
            # Whoever may not create one can still use one that is there.
            if not self._is_there():
                raise LoadFailed(
                    f"There is no database {self.name}, or it cannot be reached, and whoever"
                    f" MIGRATION_DATABASE_URL names may not create it.{self._grants_wanted()}"
                ) from None

    def _grants_wanted(self) -> str:
        try:
            with self._engine(self._url._replace(database=None)).connect() as connection:
                account = account_of(connection)
        except SQLAlchemyError:
            return ""
        return (
            " An administrator of the server may:\n"
            f"CREATE DATABASE `{self.name}` CHARACTER SET utf8mb4;\n"
            f"GRANT ALL PRIVILEGES ON `{self.name}`.* TO {account};"
        )

    def list_rows(self) -> dict[str, int]:
        """Return how many rows each table has; an empty dictionary where there is none."""
        counted = {}
        with self._engine(self._url).connect() as connection:
            for name in inspect(connection).get_table_names():
                query = text(f"SELECT COUNT(*) FROM `{name}`")  # noqa: S608 - a table's own name  # nosec B608
                counted[name] = int(connection.execute(query).scalar_one())
        return counted

    def clear(self) -> None:
        """Remove every table."""
        names = ", ".join(f"`{name}`" for name in self.list_rows())
        if names:
            engine = self._engine(self._url)
            with engine.begin() as connection:
                connection.execute(text("SET SESSION foreign_key_checks = 0"))
                connection.execute(text(f"DROP TABLE {names}"))

    def load(self, folder: Path) -> None:
        """Load the dump in a folder into a database without tables. Raises LoadFailed."""
        with (folder / self.file_name).open("rb") as dump:
            options = self._write_options()
            command = ["mariadb", f"--defaults-file={options}", "--batch", self.name]
            ended = run(command, seconds=self._seconds, environment=_environment(), given=dump)
        if ended.code != 0:
            raise LoadFailed(f"The dump could not be loaded: mariadb says {_number(ended.errors)}.")

    def drop(self) -> None:
        """Remove the database."""
        self._execute(f"DROP DATABASE IF EXISTS `{self.name}`")

    def _dump(self, keep: Callable[[bytes], None]) -> Contents:
        reader = DumpReader()
        options = self._write_options()
        more = [WITH_POSITION] if self._keeps_binlog() else []
        command = ["mariadb-dump", f"--defaults-file={options}", *DUMP, *more, self.name]
        with reading(command, seconds=self._seconds, environment=_environment()) as program:
            cut: DumpFailed | None = None
            try:
                for line in program.lines():
                    keep(reader.take(line))
            except DumpFailed as error:
                cut = error  # how the program ends says more
                for _ in program.lines():
                    pass
            ended = program.end()
            if ended.code != 0 and not program.is_late:
                raise DumpFailed(
                    "The database could not be read to its end:"
                    f" mariadb-dump says {_number(ended.errors)}."
                )
            if cut is not None:
                raise cut
        return reader.contents()

    def _write_options(self) -> Path:
        """Write the file that tells both programs where the server is and who we are."""
        lines = {
            "user": self._url.username,
            "password": self._url.password,
            "host": self._url.host,
            "port": self._url.port,
            "socket": self._url.query.get("unix_socket"),
            "ssl-ca": self.settings.database_ssl_ca,
            "ssl-verify-server-cert": "1" if self.settings.database_ssl_ca else None,
        }
        path = self._folder / "client.cnf"
        with suppress(FileNotFoundError):
            path.unlink()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as output:
            output.write("[client]\ndefault-character-set=utf8mb4\n")
            for name, value in lines.items():
                if value not in {None, ""}:
                    output.write(f"{name}={_quote(str(value))}\n")
        return path

    def _keeps_binlog(self) -> bool:
        try:
            with self._engine(self._url).connect() as connection:
                return bool(connection.execute(text("SELECT @@log_bin")).scalar())
        except SQLAlchemyError:
            raise DumpFailed("The database cannot be reached.") from None

    def _is_there(self) -> bool:
        try:
            self._engine(self._url).connect().close()
        except SQLAlchemyError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        with self._engine(self._url._replace(database=None)).begin() as connection:
            connection.execute(text(statement))

    def _engine(self, url: URL) -> Engine:
        arguments = mariadb_connect_args(self.settings)
        patient = {"read_timeout": self._seconds, "write_timeout": self._seconds}
        return create_engine(url, poolclass=NullPool, connect_args=arguments | patient)


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(said: str) -> str:
    """Return the error's number alone: its words may name what should not be read here."""
    found = NUMBER.search(said)
    return f"error {found.group(1) or found.group(2)}" if found else "nothing that is known"


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}
