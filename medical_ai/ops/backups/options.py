"""What `backup.env` says: where the repository is, its password, and how long backups are kept.

Kept apart from the application's settings, because web and worker have no business with it. What
restic itself wants besides (`AWS_…`, `B2_…`) stands in the same file and is handed to it.
"""

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from medical_ai.core.config import Settings
from medical_ai.ops.backups.errors import NotConfigured

BACKUP_ENV = "/etc/medical-ai/backup.env"
PASSWORD_NAMES = {"RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"}


class BackupOptions(BaseSettings):
    """Everything `backup.env` can hold of ours; further names are kept for restic."""

    model_config = SettingsConfigDict(frozen=True, extra="allow", env_ignore_empty=True)

    restic_repository: str = Field("", description="Where the repository is, as restic spells it.")
    restic_password_file: Path | None = Field(
        None, description="File that holds the repository's password and nothing else."
    )
    backup_keep_daily: int = Field(7, ge=1, description="Days of which a backup is kept.")
    backup_keep_weekly: int = Field(4, ge=0, description="Weeks of which a backup is kept.")
    backup_keep_monthly: int = Field(12, ge=0, description="Months of which a backup is kept.")
    backup_key_days: int = Field(
        7,
        ge=1,
        le=90,
        description="Days after which the keys of a deleted record have left the backups.",
    )
    backup_timeout_minutes: int = Field(
        240, ge=1, description="Longest time for one dump, or for one run of restic."
    )

    @property
    def timeout_seconds(self) -> int:
        """How long one dump, or one run of restic, may take."""
        return self.backup_timeout_minutes * 60

    @cached_property
    def password(self) -> str:
        """The repository's password, read once, while whoever started us may read it."""
        if self.restic_password_file is None:
            raise NotConfigured("RESTIC_PASSWORD_FILE is missing in backup.env.")
        try:
            text = self.restic_password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise NotConfigured("RESTIC_PASSWORD_FILE names a file that cannot be read.") from None
        if not text:
            raise NotConfigured("The file that RESTIC_PASSWORD_FILE names is empty.")
        return text

    def environment(self) -> dict[str, str]:
        """Return the environment for restic: nothing of the application's own secrets is in it."""
        ours = {name.upper() for name in Settings.model_fields}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.upper() not in ours | PASSWORD_NAMES
        }
        further = {name.upper(): str(value) for name, value in (self.model_extra or {}).items()}
        return (
            inherited
            | {name: value for name, value in further.items() if name not in ours | PASSWORD_NAMES}
            | {"RESTIC_REPOSITORY": self.restic_repository, "TZ": "UTC"}
            # In the environment, which its owner alone can read, and never on a command line.
            | {"RESTIC_PASSWORD": self.password}
        )


def load_options() -> BackupOptions:
    """Read the environment, then the file that BACKUP_ENV_FILE names.

    Raises NotConfigured that names the variable and never its value.
    """
    BackupOptions.model_config["env_file"] = os.environ.get("BACKUP_ENV_FILE", BACKUP_ENV)
    try:
        options = BackupOptions()
    except ValidationError as error:
        names = {"_".join(map(str, one["loc"])).upper() for one in error.errors()}
        raise NotConfigured(f"In backup.env these do not fit: {', '.join(sorted(names))}") from None
    except OSError:
        raise NotConfigured("backup.env cannot be read: run this as root.") from None
    if not options.restic_repository:
        raise NotConfigured(
            "No backup is configured: set RESTIC_REPOSITORY in /etc/medical-ai/backup.env."
        )
    _ = options.password
    return options
