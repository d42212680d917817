"""The log in plain words: who did what, when, and why they could. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from medical_ai.audit.tags import AuditTag, Outcome, outcome_of

ASSISTANT = "The assistant"
SERVICE = "This service"
"""Who did what nobody asked for: an alarm, a deletion whose day came."""
YOU = "You"
SOMEBODY = "Somebody"

RESOURCES = {
    "record": "record",
    "medication": "medicines",
    "dose": "doses",
    "chat": "conversations with the assistant",
    "access-log": "access log",
    "observation": "laboratory results",
    "document": "documents",
    "appointment": "appointments",
    "condition": "conditions",
    "allergy": "allergies",
    "encounter": "visits",
    "admission": "hospital stays",
    "care": "care team",
    "consent": "consents",
    "caregiver": "caregivers",
    "patient": "name and contact",
    "care-team": "care team",
    "break-glass": "record",
}
"""The part of a record, by the first word of the permission it was opened with."""

TOOLS = {
    "get_medications": "medicines",
    "get_doses": "doses",
    "get_next_dose": "next dose",
}

DEEDS: dict[str, str] = {
    AuditTag.ACCOUNT_CREATED: "opened an account",
    AuditTag.ACCOUNT_SIGNED_IN: "signed in",
    AuditTag.ACCOUNT_SIGN_IN_FAILED: "tried to sign in and failed",
    AuditTag.ACCOUNT_SIGNED_OUT: "signed out",
    AuditTag.TOKEN_REUSED: "was signed out, because a session was used twice",
    AuditTag.PATIENT_CREATED: "opened {whose} record for the first time",
    AuditTag.RECORD_VIEWED: "saw {whose} {resource}",
    AuditTag.ACCESS_REFUSED: "tried to open {whose} {resource} and was refused",
    AuditTag.ACCESS_LOG_EXPORTED: "saved a copy of {whose} access log",
    AuditTag.AUDIT_SEARCHED: "searched the hospital's log of access",
    AuditTag.AUDIT_ALARM: "raised an alarm about unusual access",
    AuditTag.BACKUP_RESTORED: "restored a backup",
    AuditTag.MEDICATION_ADDED: "added to {whose} medicines",
    AuditTag.MEDICATION_CHANGED: "changed one of {whose} medicines",
    AuditTag.MEDICATION_STOPPED: "stopped one of {whose} medicines",
    AuditTag.DOSE_TAKEN: "marked a dose as taken",
    AuditTag.DOSE_SKIPPED: "marked a dose as skipped",
    AuditTag.REMINDER_SENT: "sent {whom} a reminder",
    AuditTag.TOOL_CALLED: "had the assistant look up {whose} {resource}",
    AuditTag.CONVERSATION_DELETED: "deleted a conversation with the assistant",
    AuditTag.EMERGENCY_ADVISED: "was advised by the assistant to get emergency help",
    AuditTag.ACCOUNT_EMAIL_VERIFIED: "confirmed an e-mail address",
    AuditTag.ACCOUNT_EMAIL_CHANGE_ASKED: "asked for another e-mail address",
    AuditTag.ACCOUNT_EMAIL_CHANGED: "changed an e-mail address",
    # pragma: allowlist nextline secret
    AuditTag.ACCOUNT_PASSWORD_CHANGED: "changed a password",
    # pragma: allowlist nextline secret
    AuditTag.ACCOUNT_PASSWORD_RESET: "set a new password by a link",
    AuditTag.ACCOUNT_RESET_LINK_MADE: "was given a link for a new password by the operator",
    # pragma: allowlist nextline secret
    AuditTag.ACCOUNT_PASSWORD_REFUSED: "gave a wrong password while signed in",
    AuditTag.ACCOUNT_PROFILE_CHANGED: "changed a name or time zone",
    AuditTag.ACCOUNT_EXPORTED: "saved a copy of everything about {whom}",
    AuditTag.ACCOUNT_DELETION_ASKED: "asked for an account to be deleted",
    AuditTag.ACCOUNT_DELETION_CANCELLED: "called the deletion of an account off",
    AuditTag.ACCOUNT_DELETED: "had an account deleted",
    AuditTag.SECOND_FACTOR_ADDED: "added a second step to signing in",
    AuditTag.SECOND_FACTOR_REMOVED: "removed a second step of signing in",
    AuditTag.SECOND_FACTOR_RESET: "reset the second step of an account",
    AuditTag.SECOND_FACTOR_FAILED: "gave a wrong code",
    AuditTag.RECOVERY_CODE_USED: "used a recovery code",
    AuditTag.RECOVERY_CODES_RENEWED: "made new recovery codes",
    AuditTag.PROOF_RENEWED: "confirmed who they are",
    AuditTag.PROOF_FAILED: "failed to confirm who they are",
    AuditTag.PROVIDER_LINKED: "linked an account to the identity provider",
    AuditTag.PROVIDER_UNLINKED: "parted an account from the identity provider",
    AuditTag.PROVIDER_ROLE_TAKEN_OVER: "was given a role by the identity provider",
    AuditTag.SESSION_REVOKED: "signed a session out",
    AuditTag.SESSION_EXPIRED: "was signed out, because the time was over",
    AuditTag.PERSONAL_TOKEN_CREATED: "made an access token for a program",
    AuditTag.PERSONAL_TOKEN_REVOKED: "revoked an access token",
    AuditTag.HOSPITAL_SWITCHED: "went to another hospital of theirs",
    AuditTag.PERMISSION_WITHDRAWN: "withdrew a permission from a role",
    AuditTag.PERMISSION_GRANTED: "gave a permission back to a role",
    AuditTag.STAFF_INVITED: "invited somebody onto the staff",
    AuditTag.STAFF_INVITATION_WITHDRAWN: "took an invitation onto the staff back",
    AuditTag.STAFF_JOINED: "joined the staff",
    AuditTag.STAFF_ROLE_CHANGED: "changed somebody's role",
    AuditTag.STAFF_SUSPENDED: "suspended a member of staff",
    AuditTag.STAFF_REINSTATED: "let a member of staff in again",
    AuditTag.STAFF_WARDS_CHANGED: "changed the wards of a member of staff",
    AuditTag.STAFF_REMOVED: "took somebody off the staff",
    AuditTag.WARD_OPENED: "opened a ward",
    AuditTag.WARD_RENAMED: "renamed a ward",
    AuditTag.WARD_CLOSED: "closed a ward",
    AuditTag.PATIENT_LISTED: "saw {whom} in a list of patients",
    AuditTag.PATIENT_CHANGED: "changed {whose} name, contact or numbers",
    AuditTag.CARE_STARTED: "added somebody to {whose} care team",
    AuditTag.CARE_ENDED: "ended somebody's part in {whose} care team",
    AuditTag.CARE_OBJECTED: "asked for somebody's care to end",
    AuditTag.WARD_CHANGED: "changed the ward that {whose} record is on",
    AuditTag.BREAK_GLASS_OPENED: "opened {whose} record in an emergency",
    AuditTag.BREAK_GLASS_CLOSED: "closed {whose} record after an emergency",
    AuditTag.BREAK_GLASS_REFUSED: "tried to open a record in an emergency and was refused",
    AuditTag.BREAK_GLASS_REVIEWED: "reviewed why {whose} record was opened in an emergency",
    AuditTag.CAREGIVER_INVITED: "invited a caregiver",
    AuditTag.CAREGIVER_ACCEPTED: "became {whose} caregiver",
    AuditTag.CAREGIVER_DECLINED: "declined to be {whose} caregiver",
    AuditTag.CAREGIVER_CHANGED: "changed what a caregiver sees",
    AuditTag.CAREGIVER_WITHDRAWN: "ended what a caregiver sees",
    AuditTag.CAREGIVERS_ALARMED: "had a message sent to those who look after {whom}",
    AuditTag.DEPENDANT_ADDED: "began to keep {whose} record",
    AuditTag.PROXY_CHANGED: "changed who decides for {whom}",
    AuditTag.HANDOVER_OFFERED: "offered to hand {whose} record over",
    AuditTag.RECORD_HANDED_OVER: "took {whose} record over",
    AuditTag.RECORD_DESTROYED: "had {whose} record destroyed",
}
"""What was done, by tag. A test proves that every tag has its words."""

REASONS = {
    "": "",
    "own": "",
    "house": "",
    "hospital": "for the hospital's own work",
    "care-team": "in {whose} care team",
    "ward": "on {whose} ward",
    "caregiver": "as {whose} caregiver, with {whose} consent",
    "proxy": "as somebody who decides for {whom}",
    "break-glass": "in an emergency, without being in {whose} care team",
}
"""Why somebody could, by basis."""

WAYS = {
    "": "",
    "api": "",
    "web": "",
    "token": "through a program with a key of theirs",
    "mcp": "through another assistant",
    "cli": "at the server itself",
    "worker": "",
}
"""How somebody came in, by `via`, where that is worth a word."""

TITLES = {
    "doctor": "Dr {name}",
    "nurse": "Nurse {name}",
    "billing": "{name} from billing",
    "administrator": "{name}, administrator",
}
UNNAMED = {
    "doctor": "A doctor",
    "nurse": "A nurse",
    "billing": "Somebody from billing",
    "administrator": "An administrator",
    "patient": "Another patient",
}


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom the words are for: the patient themself, or somebody who reads about a patient."""

    whose: str
    whom: str


PATIENT = Audience("your", "you")
STAFF = Audience("the patient's", "the patient")


@dataclass(frozen=True, slots=True)
class Deed:
    """What an event says, as far as words need it."""

    tag: str
    basis: str
    via: str
    resource: str
    tool: str = ""


def spoken_deed(deed: Deed, audience: Audience) -> str:
    """Return what was done, such as `saw your medicines`."""
    if deed.tag == AuditTag.RECORD_VIEWED and deed.resource == "chat":
        return f"used the assistant with {audience.whose} record"
    words = DEEDS.get(deed.tag) or f"did something that has no words yet ({deed.tag})"
    resource = _spoken_tool(deed.tool) if deed.tool else RESOURCES.get(deed.resource, "record")
    return words.format(whose=audience.whose, whom=audience.whom, resource=resource)


def spoken_own_deed(deed: Deed) -> str:
    """Return what was done by the patient themself, or for them, beginning with who did it."""
    if deed.tag == AuditTag.TOOL_CALLED:
        return f"{ASSISTANT} looked up your {_spoken_tool(deed.tool)} for you"
    if deed.tag == AuditTag.EMERGENCY_ADVISED:
        return f"{ASSISTANT} advised you to get emergency help"
    if deed.tag == AuditTag.CAREGIVERS_ALARMED:
        return f"{ASSISTANT} sent a message to those who look after you"
    words = spoken_deed(deed, PATIENT).replace("was refused", "were refused")
    return f"You {words}".replace("You was ", "You were ")


def spoken_reason(deed: Deed, audience: Audience) -> str:
    """Return why they could, and how they came in where that is unusual; may be empty."""
    reason = REASONS.get(deed.basis, deed.basis)
    way = WAYS.get(deed.via, "")
    words = ", ".join(one for one in (reason, way) if one)
    return words.format(whose=audience.whose, whom=audience.whom)


def spoken_name(name: str | None, role: str) -> str:
    """Return how somebody is called; by their role where the name is not to be told."""
    if name is None:
        return UNNAMED.get(role, SOMEBODY)
    if name.lower().startswith(("dr ", "dr. ")):
        return name
    return TITLES.get(role, "{name}").replace("{name}", name)


def spoken_day(day: date, today: date) -> str:
    """Return how one speaks of a day: today, yesterday, or its date."""
    if day == today:
        return "today"
    if today - day == timedelta(days=1):
        return "yesterday"
    return day.strftime("%-d %B" if day.year == today.year else "%-d %B %Y")


def spoken_moment(local: datetime, today: date) -> str:
    """Return a moment as one says it: `yesterday 14:02`."""
    return f"{spoken_day(local.date(), today)} {local:%H:%M}"


def _spoken_tool(name: str) -> str:
    return TOOLS.get(name) or name.removeprefix("get_").replace("_", " ") or "record"


def is_refusal(tag: str) -> bool:
    """Tell whether somebody wanted something and did not get it."""
    return outcome_of(tag) in {Outcome.REFUSED, Outcome.FAILED}
