"""Ways to reach a person. A channel sends one message and says what the provider answered.

Nothing here decides what to say or to whom.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Protocol
from urllib.parse import urlsplit

from medical_ai.core.config import SMTP_DEADLINES, Settings

SMTP_PERMANENT = 500


@dataclass(frozen=True, slots=True)
class Message:
    """What to say. `key` is the idempotency key: the same key is the same message."""

    key: str
    to: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took the message; `answer` is its code, never its text."""

    answer: str


class ChannelFailed(Exception):
    """The message was not taken; `is_permanent` tells whether trying again could help."""

    def __init__(self, answer: str, *, is_permanent: bool) -> None:
        super().__init__(answer)
        self.answer = answer
        self.is_permanent = is_permanent


def _nothing() -> None:
    pass


class Channel(Protocol):
    """One way to reach a person."""

    name: str

    def send(self, message: Message, taken: Callable[[], None] = _nothing) -> Receipt:
        """Hand the message over; call `taken` the instant it is. Raises ChannelFailed."""


class EmailChannel:
    """E-mail by SMTP. The Message-ID is the idempotency key, so mail systems drop a repeat."""

    name = "email"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: Message, taken: Callable[[], None] = _nothing) -> Receipt:
        """Send one e-mail; call `taken` as soon as the server has it. Raises ChannelFailed."""
        try:
            mail = self._compose(message)
        except (ValueError, MessageError) as error:  # an address that no header can hold
            raise ChannelFailed("address", is_permanent=True) from error
        try:
            deadline = SMTP_DEADLINES * self._settings.smtp_timeout_seconds
            with closing(self._connect()) as server, _cut_off_after(deadline, server):
                server.send_message(mail)
                taken()
                # Taken is taken: a server that parts rudely must not make us send it again.
                with suppress(OSError, smtplib.SMTPException):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise ChannelFailed(str(code), is_permanent=code >= SMTP_PERMANENT) from error
        except smtplib.SMTPResponseException as error:
            code = error.smtp_code
            raise ChannelFailed(str(code), is_permanent=code >= SMTP_PERMANENT) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelFailed(type(error).__name__, is_permanent=False) from error
        return Receipt("250")

    def _compose(self, message: Message) -> EmailMessage:
        name, sender = parseaddr(self._settings.mail_from)
        mail = EmailMessage()
        mail["From"] = Address(name, addr_spec=sender)
        mailbox, _, domain = message.to.rpartition("@")
        mail["To"] = Address(addr_spec=f"{mailbox}@{domain.encode('idna').decode()}")
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(localtime=False)
        host = urlsplit(self._settings.public_url).hostname or "localhost"
        mail["Message-ID"] = f"<{message.key}@{host}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        return mail

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        address = (settings.smtp_host, settings.smtp_port)
        timeout = settings.smtp_timeout_seconds
        if settings.smtp_security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(*address, timeout=timeout, context=context)
        else:
            server = smtplib.SMTP(*address, timeout=timeout)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_username:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
        except (OSError, smtplib.SMTPException):
            server.close()
            raise
        return server


@contextmanager
def _cut_off_after(seconds: float, server: smtplib.SMTP) -> Iterator[None]:
    # The timeout is for one answer; a server that drips its answers could outlast the job's
    # lease, and another worker would send the same message.
    def cut() -> None:
        with suppress(OSError, AttributeError):
            server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # None once closed

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
