"""What can go wrong with a backup, each as a sentence that says what to do."""


class BackupError(Exception):
    """A backup or a restore did not happen. The message is for the operator and holds no secret."""


class NotConfigured(BackupError):
    """Something of `backup.env` is missing or does not fit."""


class AlreadyRunning(BackupError):
    """Another backup or restore holds the lock."""


class DumpFailed(BackupError):
    """The database could not be read to its end."""


class DiskFailed(BackupError):
    """A disk is full, or takes no more for another reason."""


class RepositoryAway(BackupError):
    """There is no repository where one should be."""


class WrongPassword(BackupError):
    """The password opens nothing in the repository."""


class ResticFailed(BackupError):
    """restic ended with an error that has no sentence of its own here."""


class TimedOut(BackupError):
    """It took longer than BACKUP_TIMEOUT_MINUTES."""


class NothingThere(BackupError):
    """The repository holds no such backup."""


class Refused(BackupError):
    """What was asked for would destroy something."""


class LoadFailed(BackupError):
    """The dump could not be loaded into the database."""


class ProofFailed(BackupError):
    """What was restored is not what was backed up."""
