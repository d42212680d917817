"""`python3 db.py` creates or upgrades the tables and says what it did."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from medical_ai.core.config import SettingsError, load_settings
from medical_ai.core.database import Base, Database
from medical_ai.ops.schema import migrate

__all__ = ["Base", "database", "engine", "session"]

try:
    database = Database(load_settings())
except SettingsError as error:
    sys.exit(f"Not configured: {error}")
engine = database.engine
session: Callable[[], AbstractContextManager[Session]] = database.unit_of_work


def main() -> None:
    """Create or upgrade the tables."""
    for line in migrate(database.settings):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
