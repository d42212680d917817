"""Letting the worker do what is due, and reading what it mailed."""

import re

from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.ops.worker import Worker
from tests.support.mail import MailSink

LINK = re.compile(r"https?://\S+")


def mailing(settings: Settings, mail: MailSink, **changes: object) -> Settings:
    """Return settings with the mail server on loopback."""
    reached = {"smtp_host": "127.0.0.1", "smtp_port": mail.port, "smtp_security": "none"}
    return settings.model_copy(update=reached | changes)


def work(database: Database) -> None:
    """Run every job that is due, and what comes of it."""
    worker = Worker(database)
    worker.tick()
    worker._threads.shutdown(wait=True)  # until no job is left, where stop() leaves the rest


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
