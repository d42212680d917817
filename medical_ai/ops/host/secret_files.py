"""The folder with a file for each secret: read and written whole, or not at all."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path


class SecretFolder:
    """The secrets of one installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return where a secret lies."""
        return self.folder / name

    def read(self, name: str) -> str:
        """Return a secret, empty where there is none."""
        try:
            return self.path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except FileNotFoundError:
            return ""

    def write(self, name: str, value: str) -> None:
        """Write a secret: afterwards the file holds all of it, whenever the power goes."""
        handle, beside = tempfile.mkstemp(dir=self.folder, prefix=".")  # readable by us alone
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{value}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path(name))
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        self._sync()

    def remove(self, name: str) -> None:
        """Remove a secret, if it is there."""
        self.path(name).unlink(missing_ok=True)
        self._sync()

    def written_at(self, name: str) -> datetime:
        """Return when a secret was written. Raises FileNotFoundError."""
        return datetime.fromtimestamp(self.path(name).stat().st_mtime, UTC)

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
