"""Everything an account's owner can take along, from every package, as one archive.

A package adds its part to `PARTS`. A test fails for every table of a person that is in no part.
Nothing is written to disk: the archive leaves as it is made.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from io import RawIOBase
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy.orm import Session

from medical_ai.assistant import export as assistant
from medical_ai.audit import export as audit
from medical_ai.auth import export as auth
from medical_ai.auth import throttle
from medical_ai.core.actor import Actor
from medical_ai.core.database import Database
from medical_ai.medications import export as medications
from medical_ai.notifications import export as notifications
from medical_ai.patients import export as records
from medical_ai.patients import service as patients
from medical_ai.patients.schemas import PatientRef
from medical_ai.web.readable import html_pieces, json_pieces

AN_HOUR = 3
PIECE_BYTES = 65_536
README = """\
Everything the Medical AI Assistant has about you.

index.html          The same to read and to print, in any browser.
account.json        Your account, where you belong, and your sessions.
record.json         Your record: medicines, times, doses, reminders, who looks after you.
conversations.json  What you asked the assistant and what it answered.
access-log.json     What you did, and who did what with your record.
notices.json        What you were told.

Moments are in UTC (RFC 3339); due_local is the wall clock a dose was planned on. Passwords and
other secrets are not in here. Conversations about other people's records, and the records you
keep for others, are not yours and not in here.

Keep this archive where nobody else can read it.
"""

Export = Callable[[Session, Actor, PatientRef | None], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """What one package contributes: to which file, of which tables, and how it is read."""

    file: str
    tables: tuple[str, ...]
    export_of: Export


PARTS = (
    Part("account.json", auth.TABLES, lambda session, actor, _: auth.export_of(session, actor)),
    Part("record.json", records.TABLES, records.export_of),
    Part(
        "record.json",
        medications.TABLES,
        lambda session, _, record: medications.export_of(session, record),
    ),
    Part("conversations.json", assistant.TABLES, assistant.export_of),
    Part(
        "access-log.json",
        audit.TABLES,
        lambda session, actor, record: audit.export_of(
            session, actor, record.id if record else None
        ),
    ),
    Part(
        "notices.json",
        notifications.TABLES,
        lambda session, actor, _: notifications.export_of(session, actor),
    ),
)


def count_export(database: Database, *, actor: Actor) -> None:
    """Count one export. Raises TooManyRequests after three in an hour."""
    throttle.count_attempt(
        database,
        scope="export",
        subject=str(actor.user_id),
        limit=AN_HOUR,
        window=timedelta(hours=1),
    )


def stream_export(database: Database, *, actor: Actor) -> Iterator[bytes]:
    """Make the archive piece by piece, with a session of its own."""
    sink = _Sink()
    with database.reading() as session:
        record = patients.find_record_of_account(session, actor)
        with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
            for name, pieces in _files(session, actor, record):
                with archive.open(name, "w") as entry:
                    for piece in pieces:
                        entry.write(piece.encode())
                        if sink.size >= PIECE_BYTES:
                            yield sink.take()
    yield sink.take()


def _files(
    session: Session, actor: Actor, record: PatientRef | None
) -> Iterator[tuple[str, Iterable[str]]]:
    yield "README.txt", [README]
    sections: list[tuple[str, Any]] = []
    for file in dict.fromkeys(part.file for part in PARTS):
        yield file, json_pieces(_content(file, session, actor, record))
        # Read once more for people: an iterator is used up.
        sections.extend(_content(file, session, actor, record).items())
    yield "index.html", html_pieces("Everything about you", sections)


def _content(
    file: str, session: Session, actor: Actor, record: PatientRef | None
) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for part in PARTS:
        if part.file == file:
            content |= part.export_of(session, actor, record)
    return content


class _Sink(RawIOBase):
    """Where the archive is written to and taken from; it cannot be rewound."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    @property
    def size(self) -> int:
        """Return how many bytes wait to be taken."""
        return len(self._held)

    def writable(self) -> bool:
        """Tell that it takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes."""
        self._held += data
        return len(data)

    def take(self) -> bytes:
        """Give what waits."""
        taken = bytes(self._held)
        self._held.clear()
        return taken
