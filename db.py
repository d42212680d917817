"""`python3 db.py` creates or upgrades the tables and says what it did."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from medical_ai.core.config import SettingsError, load_settings
from medical_ai.core.database import Base, Database
from medical_ai.ops.schema import head_revision, sync_permissions, upgrade_schema

__all__ = ["Base", "database", "engine", "session"]

try:
    database = Database(load_settings())
except SettingsError as error:
    sys.exit(f"Not configured: {error}")
engine = database.engine
session: Callable[[], AbstractContextManager[Session]] = database.unit_of_work


def main() -> None:
    """Create or upgrade the tables."""
    kind = "embedded SQLite" if database.is_sqlite else "MariaDB"
    owner = Database(database.settings.as_owner())
    for step in upgrade_schema(owner):
        sys.stdout.write(f"applied {step.revision}: {step.description.splitlines()[0]}\n")
    # Its rows as well: what the application may do with a new table is granted after this.
    sync_permissions(owner)
    owner.dispose()
    sys.stdout.write(f"The {kind} database is at version {head_revision()}.\n")


if __name__ == "__main__":
    main()
