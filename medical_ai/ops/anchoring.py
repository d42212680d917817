"""Anchoring the head of the audit chain outside: in a file, by e-mail, to a webhook."""

import os
from collections.abc import Callable
from html import escape

import requests
from sqlalchemy.orm import Session

from medical_ai.audit.anchors import Anchor, anchor_of
from medical_ai.audit.chain import find_head
from medical_ai.core import clock
from medical_ai.core.config import Settings
from medical_ai.core.database import Database, settings_of
from medical_ai.jobs import service as jobs
from medical_ai.jobs.service import ClaimedJob, PermanentFailure
from medical_ai.notifications.channels import Channel, ChannelFailed, Message

ANCHOR_CHAIN = "audit.anchor"
FILE, EMAIL, WEBHOOK = "file", "email", "webhook"
WEBHOOK_SECONDS = 10
OK, REDIRECT = 200, 300
HOUR_SECONDS = 3600


def anchor_on_time(session: Session) -> int:
    """Enqueue this period's anchors, once over all workers; return how many."""
    settings = settings_of(session)
    period = int(clock.now().timestamp() // (settings.audit_anchor_hours * HOUR_SECONDS))
    return anchor_now(session, key=str(period))


def anchor_now(session: Session, *, key: str) -> int:
    """Enqueue one anchor for every place that is configured; nothing for an empty chain."""
    places = places_of(settings_of(session))
    if not places or find_head(session) is None:
        return 0
    return sum(
        jobs.enqueue_once(
            session,
            kind=ANCHOR_CHAIN,
            payload={"place": place},
            idempotency_key=f"{ANCHOR_CHAIN}.{place}.{key}",
        )
        for place in places
    )


def places_of(settings: Settings) -> list[str]:
    """Return where the chain is to be anchored."""
    configured = {
        FILE: settings.audit_anchor_file is not None,
        EMAIL: bool(settings.audit_anchor_email),
        WEBHOOK: bool(settings.audit_anchor_webhook.get_secret_value()),
    }
    return [place for place, is_set in configured.items() if is_set]


def anchor_chain(database: Database, job: ClaimedJob, channels: dict[str, Channel]) -> None:
    """Run one job that anchors the present head in one place, and finish it.

    One that runs twice leaves the same line twice, which harms nothing.
    """
    with database.reading() as session:
        head = find_head(session)
    place = job.payload["place"]
    if head is not None and place in places_of(database.settings):
        ways: dict[str, Callable[[], None]] = {
            FILE: lambda: append_anchor(database.settings, anchor_of(head)),
            EMAIL: lambda: _mail(database.settings, anchor_of(head), job, channels),
            WEBHOOK: lambda: _post(database.settings, anchor_of(head)),
        }
        ways[place]()
    with database.unit_of_work() as session:
        jobs.finish_job(session, job)


def append_anchor(settings: Settings, anchor: Anchor) -> None:
    """Append a line to the anchor file; it is on the disk when this returns."""
    if settings.audit_anchor_file is None:
        return
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    handle = os.open(settings.audit_anchor_file, flags, 0o600)
    try:
        os.write(handle, f"{anchor.spell()}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _mail(
    settings: Settings, anchor: Anchor, job: ClaimedJob, channels: dict[str, Channel]
) -> None:
    about = "Keep this line. It shows later whether the audit log was cut or exchanged."
    message = Message(
        key=job.idempotency_key,
        to=settings.audit_anchor_email,
        subject=f"Audit log, block {anchor.number}",
        text=f"{about}\n\n{anchor.spell()}\n",
        html=f"<p>{about}</p><pre>{escape(anchor.spell())}</pre>",
    )
    try:
        channels[EMAIL].send(message)
    except ChannelFailed as error:
        if error.is_permanent:
            raise PermanentFailure(error.answer) from error
        raise


def _post(settings: Settings, anchor: Anchor) -> None:
    # The answer's body is never read: its size cannot matter. Nobody is followed elsewhere.
    with requests.post(
        settings.audit_anchor_webhook.get_secret_value(),
        data=anchor.spell(),
        headers={"Content-Type": "application/json"},
        timeout=WEBHOOK_SECONDS,
        allow_redirects=False,
        stream=True,
    ) as answer:
        if not OK <= answer.status_code < REDIRECT:
            raise ChannelFailed(str(answer.status_code), is_permanent=False)
