"""E-mail over real SMTP, whatever the address looks like."""

import pytest

from medical_ai.notifications.channels import ChannelFailed, EmailChannel, Message
from tests.support.mail import MailSink
from tests.support.settings import make_settings


@pytest.fixture
def channel(mail: MailSink) -> EmailChannel:
    """A channel to the mail server on loopback."""
    return EmailChannel(
        make_settings(smtp_host="127.0.0.1", smtp_port=mail.port, smtp_security="none")
    )


def message_to(address: str) -> Message:
    """Return a message to an address."""
    return Message(key="key", to=address, subject="Subject", text="Text", html="<p>Text</p>")


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("a+b@example.org", "a+b@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("a@münchen.example", "a@xn--mnchen-3ya.example"),
    ],
)
def test_every_address_that_can_be_is_reached(
    channel: EmailChannel, mail: MailSink, address: str, sent_to: str
) -> None:
    assert channel.send(message_to(address)).answer == "250"
    assert mail.taken[0]["To"] == sent_to


@pytest.mark.parametrize(
    "address", ["jörg@example.org", "nobody", "a@b@c\r\nBcc: x@example.org", ""]
)
def test_an_address_that_cannot_be_reached_is_given_up_at_once(
    channel: EmailChannel, mail: MailSink, address: str
) -> None:
    with pytest.raises(ChannelFailed) as failure:
        channel.send(message_to(address))
    assert failure.value.is_permanent
    assert mail.tries == 0


def test_a_mail_server_that_is_away_is_tried_again() -> None:
    settings = make_settings(smtp_host="127.0.0.1", smtp_port=1, smtp_security="none")
    with pytest.raises(ChannelFailed) as failure:
        EmailChannel(settings).send(message_to("a@example.org"))
    assert not failure.value.is_permanent


def test_a_server_without_encryption_is_not_trusted_when_encryption_is_asked_for(
    mail: MailSink,
) -> None:
    settings = make_settings(smtp_host="127.0.0.1", smtp_port=mail.port)
    with pytest.raises(ChannelFailed):
        EmailChannel(settings).send(message_to("a@example.org"))
    assert mail.tries == 0
