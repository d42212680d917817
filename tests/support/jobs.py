"""Letting the worker do what is due, and reading what it mailed."""

import re
from datetime import timedelta

from sqlalchemy import select

from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.jobs.models import Job, JobStatus
from medical_ai.ops.worker import Worker
from tests.support.mail import MailSink
from tests.support.waiting import wait_until

SOON = timedelta(minutes=1)
LINK = re.compile(r"https?://\S+")


def mailing(settings: Settings, mail: MailSink, **changes: object) -> Settings:
    """Return settings with the mail server on loopback."""
    reached = {"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "none"}
    return settings.model_copy(update=reached | changes)


def work(database: Database) -> None:
    """Run every job there is, and what comes of it; one that met another is tried again."""

    def is_done() -> bool:
        worker = Worker(database)
        worker.tick()
        worker._threads.shutdown(wait=True)  # until no job is left, where stop() leaves the rest
        with database.reading() as session:
            waiting = select(Job.id).where(
                Job.status == JobStatus.READY, Job.run_at < clock.now() + SOON
            )
            return session.scalar(waiting.limit(1)) is None

    wait_until(is_done, seconds=20, what="the outbox is empty", every=0.2)


def letters(mail: MailSink, to: str) -> list[tuple[str, str]]:
    """Return the subject and the text of what somebody was sent, in order."""
    found = [one for one in mail.taken if one["To"] == to]
    return [(str(one["Subject"]), _text(one)) for one in found]


def token_of(text: str) -> str:
    """Return the token of the secret link in a letter."""
    return LINK.findall(text)[0].partition("#")[2]


def _text(message: object) -> str:
    body = message.get_body(("plain",))  # type: ignore[attr-defined]  # an EmailMessage
    return str(body.get_content())
