"""Everything a backup works with, read while whoever started us may read it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medical_ai.core.config import Settings, load_settings
from medical_ai.core.secret_source import find_secret_file
from medical_ai.ops.backups.errors import NotConfigured
from medical_ai.ops.backups.mariadb import MariaStore
from medical_ai.ops.backups.options import BACKUP_ENV, BackupOptions, load_options
from medical_ai.ops.backups.restic import Restic
from medical_ai.ops.backups.sqlite import SQLiteStore
from medical_ai.ops.backups.workplace import Workplace

OWNER_URL = "/etc/medical-ai/owner/migration_database_url"
NOT_KEPT = {"migration_database_url"}
"""Of this machine alone: another has an owner of its own."""
FORMER = "encryption-keys-former"
FORMER_KEYS = f"/etc/medical-ai/{FORMER}"
"""Keys that left the ring: older backups of the data are sealed with them."""
Store = MariaStore | SQLiteStore


@dataclass(frozen=True)
class Installation:
    """The settings, the options, the files of `/etc/medical-ai`, the work folder, the repository.

    `kept_files` are settings and secrets by their name there; the repository's password is not
    among them.
    """

    settings: Settings
    options: BackupOptions
    kept_files: Mapping[str, bytes]
    workplace: Workplace
    restic: Restic

    def store(self, *, name: str | None = None, as_owner: bool = False) -> Store:
        """Return the installation's database, or the one with another name beside it."""
        settings = self.settings.as_owner() if as_owner else self.settings
        is_sqlite = settings.sqlalchemy_url.startswith("sqlite")
        return (SQLiteStore if is_sqlite else MariaStore)(
            settings,
            folder=self.workplace.folder,
            seconds=self.options.timeout_seconds,
            name=name,
        )


def load_installation() -> Installation:
    """Read settings, options and files. Raises SettingsError or NotConfigured."""
    if os.path.exists(OWNER_URL):  # for root alone; the unit of the proof is given a copy
        os.environ.setdefault("MIGRATION_DATABASE_URL_FILE", OWNER_URL)
    settings = load_settings()
    return make_installation(settings, load_options(), kept_files=_read_kept_files())


def make_installation(
    settings: Settings, options: BackupOptions, *, kept_files: Mapping[str, bytes]
) -> Installation:
    """Put together what was read."""
    workplace = Workplace(settings.data_dir)
    restic = Restic(options, cache=workplace.cache)
    return Installation(settings, options, kept_files, workplace, restic)


def _read_kept_files() -> dict[str, bytes]:
    paths = {
        "medical-ai.env": Path(os.environ.get("ENV_FILE", ".env")),
        "backup.env": Path(os.environ.get("BACKUP_ENV_FILE", BACKUP_ENV)),
        FORMER: Path(os.environ.get("FORMER_KEYS_FILE", FORMER_KEYS)),
    }
    for name in set(Settings.model_fields) - NOT_KEPT:
        if (found := find_secret_file(name)) is not None:
            paths[f"secrets/{name}"] = found
    try:
        found_files = {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    except OSError:
        raise NotConfigured("A file of settings or secrets cannot be read.") from None
    # Where there is no such file, systemd hands a unit an empty one.
    return {name: content for name, content in found_files.items() if content.strip()}
