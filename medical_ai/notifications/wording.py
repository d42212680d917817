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
        "/app/forgot-password",
        "Choose a new password",
    ),
    NoticeKind.EMAIL_CHANGED: Wording(
        "Your e-mail address was changed",
        "All other sessions were signed out. If this was not you, tell whoever runs this"
        " installation at once.",
        "/app/settings",
    ),
    NoticeKind.STAFF_ROLE_CHANGED: Wording(
        "Your role at work was changed",
        "An administrator gave you another role, and you were signed out there. Sign in again to"
        " go on.",
        "/app/settings",
    ),
    NoticeKind.STAFF_SUSPENDED: Wording(
        "Your access at work was suspended",
        "An administrator suspended your access, and you were signed out there. Ask them if you do"
        " not know why.",
        "/app/settings",
    ),
    NoticeKind.STAFF_REINSTATED: Wording(
        "Your access at work is back",
        "An administrator gave you your access back. You can sign in as before.",
        "/app/settings",
    ),
    NoticeKind.STAFF_REMOVED: Wording(
        "You were taken off a staff list",
        "An administrator ended your work for a hospital here, and you were signed out there. Your"
        " account itself stays as it is.",
        "/app/settings",
    ),
    NoticeKind.CARE_STARTED: Wording(
        "Somebody looks after you now",
        "A doctor or nurse was added to your care team and can see your record. You can see who it"
        " is, and say if you do not want it.",
        "/app/care-team",
    ),
    NoticeKind.CARE_OBJECTED: Wording(
        "A patient asks for somebody's care to end",
        "Talk with the patient and with the colleague, and end the care if it should end.",
        "/app/patients",
    ),
    NoticeKind.BREAK_GLASS_OPENED: Wording(
        "Your record was opened in an emergency",
        "A doctor who does not look after you opened it for a limited time and wrote down why. The"
        " administrators of your hospital were told as well.",
        "/app/care-team",
    ),
    NoticeKind.BREAK_GLASS_REVIEW: Wording(
        "A record was opened in an emergency",
        "A doctor opened the record of a patient outside their care. Read the reason, and mark it"
        " as reviewed.",
        "/app/break-glass",
    ),
    NoticeKind.BREAK_GLASS_ALARM: Wording(
        "Somebody opens many records in emergencies",
        "A doctor reached the number of records that may be opened in an emergency within a day,"
        " and asked for another one. Please look into it.",
        "/app/break-glass",
    ),
    NoticeKind.UNUSUAL_ACCESS: Wording(
        "Somebody used records in an unusual way",
        "A rule that watches over access to records was met. Look at what happened, and ask the"
        " person. There may be a good reason.",
        "/app/audit",
    ),
    NoticeKind.EMAIL_CHANGE_ASKED: Wording(
        "Somebody asked for another e-mail address",
        "Your account gets a new e-mail address as soon as that address is confirmed. If this was"
        " not you, change your password now: then nothing comes of it.",
        "/app/settings/password",
        "Change the password",
    ),
    NoticeKind.SIGN_UP_TRIED: Wording(
        "You have an account already",
        "Somebody, perhaps you, tried to open an account with this address. There is one already:"
        " sign in with your password, or choose a new one. If it was not you, there is nothing to"
        " do.",
        "/app/forgot-password",
        "Choose a new password",
    ),
    NoticeKind.SECOND_FACTOR_ADDED: Wording(
        "A second step was added to your sign-in",
        "All other sessions were signed out. If this was not you, change your password now and"
        " tell whoever runs this installation.",
        "/app/settings/second-factor",
    ),
    NoticeKind.SECOND_FACTOR_REMOVED: Wording(
        "A second step was removed from your sign-in",
        "All other sessions were signed out. If this was not you, change your password now and"
        " tell whoever runs this installation.",
        "/app/settings/second-factor",
    ),
    NoticeKind.SECOND_FACTOR_RESET: Wording(
        "An administrator reset your second step",
        "You were signed out everywhere. Sign in with your password and set up a new second step."
        " If you did not ask for this, tell whoever runs this installation at once.",
        "/app/settings/second-factor",
    ),
    NoticeKind.RECOVERY_CODE_USED: Wording(
        "A recovery code was used",
        "Somebody, hopefully you, signed in or confirmed a change with one of your recovery"
        " codes. If it was not you, change your password and make new codes.",
        "/app/settings/second-factor",
    ),
    NoticeKind.RECOVERY_CODES_FEW: Wording(
        "A recovery code was used, and few are left",
        "Make new codes before the last one is gone. If it was not you who used one, change your"
        " password as well.",
        "/app/settings/second-factor",
    ),
    NoticeKind.RECOVERY_CODES_RENEWED: Wording(
        "You have new recovery codes",
        "The old ones do not work any more, and all other sessions were signed out. If this was"
        " not you, change your password now.",
        "/app/settings/second-factor",
    ),
    NoticeKind.NEW_SIGN_IN: Wording(
        "You signed in from somewhere new",
        "Your account was used with a device or from a network that was not seen before. If this"
        " was not you, sign that session out and change your password.",
        "/app/settings/sessions",
        "Look at your sessions",
    ),
    NoticeKind.TOKEN_CREATED: Wording(
        "An access token was made",
        "A program can now use your account with it. If you did not make it, revoke it and change"
        " your password.",
        "/app/settings/tokens",
        "Look at your access tokens",
    ),
    NoticeKind.CAREGIVER_ACCEPTED: Wording(
        "Your invitation was accepted",
        "Somebody you invited looks after you now. Look whether it is who you meant; you can take"
        " it back at any time.",
        "/app/caregivers",
    ),
    NoticeKind.CAREGIVER_DECLINED: Wording(
        "Your invitation was declined",
        "Somebody you invited cannot look after you at the moment.",
        "/app/caregivers",
    ),
    NoticeKind.CARE_ENDED: Wording(
        "You no longer look after somebody",
        "Somebody you looked after ended it, so you see nothing of theirs any more.",
        "/app/people",
    ),
    NoticeKind.CARE_EMERGENCY: Wording(
        "Somebody you look after may need help now",
        "The assistant advised somebody you look after to call for help. Call them now, and an"
        " ambulance if you cannot reach them. The assistant does not know whether they called.",
        "/app/people",
        "See who it is",
    ),
    NoticeKind.CARE_DOSE_MISSED: Wording(
        "A dose was not marked",
        "Somebody you look after did not mark a dose, or more than one, as taken or skipped. They"
        " may have taken it all the same: ask them. Never take two at once to make up for it.",
        "/app/people",
        "See who it is",
    ),
    NoticeKind.RECORD_HANDED_OVER: Wording(
        "Somebody you looked after took over their record",
        "They decide themselves now who sees it, and what.",
        "/app/people",
    ),
    NoticeKind.DELETION_ASKED: Wording(
        "Your account will be deleted",
        "You can change your mind until then, and everything works as before. If it was not you"
        " who asked, cancel it now and change your password.",
        "/app/settings/delete",
        "See until when",
    ),
    NoticeKind.DELETION_CANCELLED: Wording(
        "Your account stays",
        "It will not be deleted. Nothing of it was lost.",
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
    OneTimePurpose.RECORD_HANDOVER: Wording(
        "Your record is ready for you",
        "Somebody who looked after your record hands it over to you. The link works once. You"
        " decide when you open it what they may still see.",
        "/app/invitations/record",
        "Take over the record",
    ),
}
"""Every kind of secret link. The token goes behind the `#` of the page's address."""
