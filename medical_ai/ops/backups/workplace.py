"""The private folder that backups are made in, and the lock that lets one run at a time."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medical_ai.ops.backups.errors import AlreadyRunning, DiskFailed

FOLDER = ".backup"
DATA, KEYS, RESTORED, SETTINGS = "data", "keys", "restored", "settings"
RESTORED_SETTINGS = "restored-settings"
"""Beside the work folder, and in no backup: the key ring must not come to lie by the data."""


class Workplace:
    """`DATA_DIR/.backup`: on the disk that has room for the database, readable by its owner."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.folder = self.data_dir / FOLDER
        self.data, self.keys = self.folder / DATA, self.folder / KEYS
        self.restored = self.folder / RESTORED
        self.cache = self.folder / "cache"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock inside the block, and leave nothing of the work behind.

        What a killed run left is removed first. Raises AlreadyRunning.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise AlreadyRunning("Another backup or restore is running.") from None
            self._clean()
            try:
                for folder in (self.data, self.keys, self.restored):
                    folder.mkdir(mode=0o700)
                yield
            except OSError as error:
                # The path is one of ours and the reason is the system's: nothing secret in it.
                raise DiskFailed(f"The work folder cannot be written: {error.strerror}.") from error
            finally:
                self._clean()
        finally:
            os.close(handle)

    def _clean(self) -> None:
        for folder in (self.data, self.keys, self.restored):
            shutil.rmtree(folder, ignore_errors=True)
        (self.folder / "client.cnf").unlink(missing_ok=True)
