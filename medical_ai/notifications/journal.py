"""A note on disk that a provider took a message, written the instant it says so.

Between a mail server's "250" and our commit lies a moment in which a killed process would leave
the message looking unsent, and the next worker would send it again. The note is a file of its own,
which outlives the process; whoever repeats the job on this machine finds it and does not send.
It guards against killed processes, not against a machine that loses power in that moment: there
the Message-ID, which is the same both times, is what is left.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from medical_ai.core.logging import get_logger
from medical_ai.notifications.channels import Channel, Message, Receipt

KEPT_SECONDS = 86_400
FROM_JOURNAL = "journal"


class Journal:
    """The notes of this machine's workers, one empty file for each accepted message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def note(self, key: str) -> None:
        """Remember that the message with this key was taken."""
        (self._folder / key).touch(mode=0o600)

    def knows(self, key: str) -> bool:
        """Tell whether the message with this key was taken, by whichever worker sent it."""
        return (self._folder / key).exists()

    def forget_old(self) -> None:
        """Remove notes that no job can ask for any more."""
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another worker was here first
                if path.stat().st_mtime < oldest:
                    path.unlink()


class JournaledChannel:
    """A channel that sends a key once on this machine, however often the job is repeated."""

    def __init__(self, channel: Channel, journal: Journal) -> None:
        self.name = channel.name
        self._channel, self._journal = channel, journal

    def send(self, message: Message, taken: Callable[[], None] | None = None) -> Receipt:
        """Send unless the journal knows the key. Raises ChannelFailed."""
        if self._journal.knows(message.key):
            return Receipt(FROM_JOURNAL)

        def note() -> None:
            try:
                self._journal.note(message.key)
            except OSError as error:  # a full disk must not make a sent message look unsent
                get_logger().error("journal.not-written", exc_info=error, channel=self.name)
            if taken is not None:
                taken()

        return self._channel.send(message, note)
