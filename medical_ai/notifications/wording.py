"""What a notice says, in the app and by mail. No name of a patient, medicine or hospital in it."""

from dataclasses import dataclass

from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.notifications.schemas import NoticeKind


@dataclass(frozen=True, slots=True)
class Wording:
    """A notice's heading, its sentences, and the page of ours it leads to."""

    title: str
    text: str
    page: str
    action: str = "Open the assistant"


WORDINGS: dict[NoticeKind, Wording] = {
    NoticeKind.PASSWORD_CHANGED: Wording(
        "Your password was changed",
        "All other sessions were signed out. If this was not you, reset your password now and"
        " tell whoever runs this installation.",
        "/app/settings",
    ),
    NoticeKind.EMAIL_CHANGED: Wording(
        "Your e-mail address was changed",
        "All other sessions were signed out. If this was not you, tell whoever runs this"
        " installation at once.",
        "/app/settings",
    ),
    NoticeKind.PROVIDER_LINKED: Wording(
        "Another way to sign in was added",
        "You can now sign in with your identity provider. All other sessions were signed out. If"
        " this was not you, remove it in your settings and tell whoever runs this installation.",
        "/app/settings/identity-provider",
    ),
    NoticeKind.PROVIDER_UNLINKED: Wording(
        "A way to sign in was removed",
        "Your identity provider does not open this account any more. All other sessions were signed"
        " out. If this was not you, tell whoever runs this installation at once.",
        "/app/settings/identity-provider",
    ),
}
"""Every kind but the reminder of a dose, which the medicines tell by themselves."""

LINKS: dict[OneTimePurpose, Wording] = {
    OneTimePurpose.VERIFY_EMAIL: Wording(
        "Confirm your e-mail address",
        "Somebody, hopefully you, opened an account with this address. Confirm that it is yours."
        " If it was not you, ignore this message.",
        "/app/verify-email",
        "Confirm the address",
    ),
    OneTimePurpose.RESET_PASSWORD: Wording(
        "Choose a new password",
        "Somebody, hopefully you, asked for a new password. The link works once and not for long."
        " If it was not you, ignore this message: your password stays as it is.",
        "/app/reset-password",
        "Choose a new password",
    ),
    OneTimePurpose.CHANGE_EMAIL: Wording(
        "Confirm your new e-mail address",
        "Confirm that this address is yours, and it becomes the one you sign in with.",
        "/app/confirm-email",
        "Confirm the address",
    ),
    OneTimePurpose.STAFF_INVITATION: Wording(
        "You are invited to work with the Medical AI Assistant",
        "An administrator invites you as a member of staff. The link works once.",
        "/app/invitations/staff",
        "Accept the invitation",
    ),
    OneTimePurpose.CAREGIVER_INVITATION: Wording(
        "Somebody would like your help",
        "Somebody who uses the Medical AI Assistant invites you to look after them there. The link"
        " works once. You see who it is when you open it.",
        "/app/invitations/caregiver",
        "Look at the invitation",
    ),
}
"""Every kind of secret link. The token goes behind the `#` of the page's address."""
