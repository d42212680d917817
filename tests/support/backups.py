"""An installation of its own for each test of backups, with a repository on this disk."""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import make_url

from medical_ai.bootstrap import wire_ports
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.migrations import import_models
from medical_ai.ops.backups.installation import Installation, make_installation
from medical_ai.ops.backups.options import BackupOptions
from medical_ai.ops.backups.restic import Restic
from medical_ai.ops.schema import upgrade_schema
from tests.support.mariadb import MariaDBServer
from tests.support.processes import ROOT
from tests.support.settings import environment_of, make_settings
from tests.support.stores import sqlite_settings

PASSWORD = "the password of a made-up repository"  # pragma: allowlist secret - made up
KEPT_FILES = {"medical-ai.env": b"DATA_DIR=/made-up\n", "secrets/encryption_keys": b"made up\n"}


@dataclass
class Site:
    """An installation that backs up into a folder."""

    settings: Settings
    folder: Path
    options: BackupOptions
    here: Installation

    @property
    def repository(self) -> Path:
        """The folder of the repository."""
        return self.folder / "repository"

    def open(self, **options: object) -> Installation:
        """Return the installation with other options."""
        changed = self.options.model_copy(update=options)
        changed.__dict__.pop("password", None)
        return make_installation(self.settings, changed, kept_files=KEPT_FILES)

    def environment(self) -> dict[str, str]:
        """Return the environment in which a command works on this installation."""
        return environment_of(
            self.settings,
            BACKUP_ENV_FILE=os.devnull,
            MEDICAL_AI_USER=pwd.getpwuid(os.geteuid()).pw_name,
            RESTIC_REPOSITORY=self.options.restic_repository,
            RESTIC_PASSWORD_FILE=str(self.options.restic_password_file),
        )

    def run(self, *arguments: str, wrap: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run `medical-ai` with arguments; return its exit code and what it said."""
        command = [*wrap, sys.executable, "-m", "medical_ai.ops.cli", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr


def make_repository(folder: Path) -> Path:
    """Make an empty repository, for copying: making one takes a second."""
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    options = BackupOptions(
        restic_repository=str(folder / "repository"), restic_password_file=password
    )
    Restic(options, cache=folder / "cache").create()
    return folder


def make_site(made: Path, folder: Path, server: MariaDBServer | None) -> Site:
    """Make an installation with tables and an empty repository."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if server is None:
        settings = sqlite_settings(data)
    else:
        url, owner = make_database(server)
        settings = make_settings(data_dir=data, database_url=url, migration_database_url=owner)
    options = BackupOptions(
        restic_repository=str(folder / "repository"), restic_password_file=folder / "password"
    )
    import_models()
    wire_ports()
    database = Database(settings.as_owner())
    upgrade_schema(database)
    database.dispose()
    here = make_installation(settings, options, kept_files=KEPT_FILES)
    return Site(settings, folder, options, here)


def make_database(server: MariaDBServer) -> tuple[str, str]:
    """Make a database with the application's user and an owner; return the URLs of both."""
    name = f"site_{uuid4().hex[:12]}"
    server.create_database(name)
    user, owner, password = f"u_{name}", f"o_{name}", 'p#"\\;'
    quoted = password.replace("\\", "\\\\")
    with server._connect() as connection, connection.cursor() as cursor:
        for who in (user, owner):
            cursor.execute(f"CREATE USER '{who}'@localhost IDENTIFIED BY '{quoted}'")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}`.* TO '{user}'@localhost")
        for one in (name, "medical_ai_restore_check", f"{name}_copy"):
            cursor.execute(f"GRANT ALL ON `{one}`.* TO '{owner}'@localhost")
    url = make_url(f"mysql+pymysql://localhost/{name}?unix_socket={server.socket}")
    urls = [url.set(username=who, password=password) for who in (user, owner)]
    return tuple(one.render_as_string(hide_password=False) for one in urls)  # type: ignore[return-value]  # two


def list_databases(server: MariaDBServer) -> set[str]:
    """Return the names of a server's databases."""
    with server._connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES")
        return {str(row[0]) for row in cursor.fetchall()}
