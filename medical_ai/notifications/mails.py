"""Mail about accounts: notices of what changed, and links that open something once.

Subjects and texts name no patient, no medicine and no hospital: mail is read on lock screens. A
link's token is spelled here, when the mail is written, so that the outbox never holds it.
"""

from html import escape
from uuid import UUID

from medical_ai.auth import service as auth
from medical_ai.core.config import Settings
from medical_ai.core.database import Database
from medical_ai.jobs import service as jobs
from medical_ai.jobs.sealed import open_values
from medical_ai.jobs.service import ClaimedJob, PermanentFailure
from medical_ai.notifications.channels import Channel, ChannelFailed, Message
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.notifications.wording import LINKS, WORDINGS

EMAIL = "email"
SEND_RECEIPT = "receipt.send"


def send_notice(database: Database, job: ClaimedJob, channels: dict[str, Channel]) -> None:
    """Run one job that mails a notice, and finish it. Raises ChannelFailed or PermanentFailure."""
    wording = WORDINGS[NoticeKind(job.payload["notice"])]
    if "sealed" in job.payload:
        to: str | None = open_values(database, job.payload)["email"]
    else:
        with database.reading() as session:
            to = auth.get_email(session, user_id=UUID(job.payload["user_id"]))
    message = to and compose_mail(
        database.settings,
        key=job.idempotency_key,
        to=to,
        subject=wording.title,
        text=wording.text,
        page=wording.page,
        action=wording.action,
    )
    _send(database, job, channels, message or None)


def send_link(database: Database, job: ClaimedJob, channels: dict[str, Channel]) -> None:
    """Run one job that mails a secret link, and finish it. One that is over is not sent."""
    with database.reading() as session:
        link = auth.get_token_to_send(session, UUID(job.payload["one_time_id"]))
    message = None
    if link is not None:
        wording = LINKS[link.purpose]
        token = auth.spell_token(database.settings, link.purpose, link.id)
        message = compose_mail(
            database.settings,
            key=job.idempotency_key,
            to=link.email,
            subject=wording.title,
            text=wording.text,
            page=f"{wording.page}#{token}",  # after the #: no server's log ever sees it
            action=wording.action,
        )
    _send(database, job, channels, message)


def send_receipt(database: Database, job: ClaimedJob, channels: dict[str, Channel]) -> None:
    """Run one job that mails the receipt of a deletion, and forget where it went."""
    receipt_id = UUID(job.payload["receipt_id"])
    with database.reading() as session:
        receipt = auth.find_receipt_to_send(session, receipt_id)
    message = None
    if receipt is not None and receipt.email is not None:
        message = compose_mail(
            database.settings,
            key=job.idempotency_key,
            to=receipt.email,
            subject="Your account was deleted",
            text="The account with this address and the record that belonged to it are deleted."
            " The key that opened the record was destroyed. This address is forgotten now, too."
            f" Receipt: {receipt.number}.",
            page=f"/app/deletion-receipts/{receipt.number}",
            action="Check the receipt",
        )
    _send(database, job, channels, message)
    with database.unit_of_work() as session:
        auth.forget_address(session, receipt_id)


def _send(
    database: Database, job: ClaimedJob, channels: dict[str, Channel], message: Message | None
) -> None:
    if message is not None:
        with database.reading() as session:
            if not jobs.is_held(session, job):
                return  # this worker was away so long that another one has the job
        try:
            channels[EMAIL].send(message)
        except ChannelFailed as error:
            if error.is_permanent:
                raise PermanentFailure(error.answer) from error
            raise
    with database.unit_of_work() as session:
        jobs.finish_job(session, job)


def compose_mail(
    settings: Settings, *, key: str, to: str, subject: str, text: str, page: str, action: str
) -> Message:
    """Write a mail with one sentence or two and one link to a page of ours."""
    link = settings.public_url.rstrip("/") + page
    return Message(
        key=key,
        to=to,
        subject=subject,
        text=f"{text}\n\n{action}:\n{link}\n",
        html=f"<p>{escape(text)}</p>"
        f'<p><a href="{escape(link)}">{escape(action)}</a></p>'
        f"<p>Or copy this address: <br>{escape(link)}</p>",
    )
