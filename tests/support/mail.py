"""A mail server on loopback that keeps what it gets and can behave badly on demand."""

import asyncio
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Behaviour = Literal["ok", "450", "550", "drop", "stall", "hold", "rude-quit"]
STALL_SECONDS = 30.0


class _FreePortController(Controller):
    """A controller that greets itself at the port it got, where the one asked for was 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class MailSink:
    """What arrived, in order. `behaviour` can be changed while it runs.

    `ok` takes mail; `450` and `550` refuse it for now and for good; `drop` takes it and hangs up
    without an answer; `stall` says nothing; `hold` takes it and says nothing; `rude-quit` takes
    it and refuses to part politely.
    """

    def __init__(self) -> None:
        self.behaviour: Behaviour = "ok"
        self.taken: list[EmailMessage] = []
        self.tries = 0
        self._lock = threading.Lock()
        self._controller = _FreePortController(self, hostname="127.0.0.1", port=0)

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self._controller.port)

    @property
    def message_ids(self) -> list[str]:
        """Return the Message-ID of everything taken."""
        with self._lock:
            return [str(message["Message-ID"]) for message in self.taken]

    def start(self) -> None:
        """Listen on a free port."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take, refuse or lose one message."""
        behaviour = self.behaviour
        with self._lock:
            self.tries += 1
            if behaviour in {"ok", "drop", "hold", "rude-quit"}:
                self.taken.append(_parse(envelope))
        if behaviour == "drop":
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]
        if behaviour in {"stall", "hold"}:
            await asyncio.sleep(STALL_SECONDS)
        return {"450": "450 try later", "550": "550 no such mailbox"}.get(behaviour, "250 taken")

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:
        """Part, politely or not."""
        return "421 busy" if self.behaviour == "rude-quit" else "221 bye"


def _parse(envelope: Envelope) -> EmailMessage:
    content: Any = envelope.original_content or envelope.content
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
