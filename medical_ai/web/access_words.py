"""The log in plain words: who did what, when, and why they could. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from medical_ai.audit.tags import AuditTag, Outcome, outcome_of

ASSISTANT = "The assistant"
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
    AuditTag.MEDICATION_ADDED: "added to {whose} medicines",
    AuditTag.MEDICATION_CHANGED: "changed one of {whose} medicines",
    AuditTag.MEDICATION_STOPPED: "stopped one of {whose} medicines",
    AuditTag.DOSE_TAKEN: "marked a dose as taken",
    AuditTag.DOSE_SKIPPED: "marked a dose as skipped",
    AuditTag.REMINDER_SENT: "sent {whom} a reminder",
    AuditTag.TOOL_CALLED: "had the assistant look up {whose} {resource}",
    AuditTag.CONVERSATION_DELETED: "deleted a conversation with the assistant",
    AuditTag.EMERGENCY_ADVISED: "was advised by the assistant to get emergency help",
}
"""What was done, by tag. A test proves that every tag has its words."""

REASONS = {
    "": "",
    "own": "",
    "house": "",
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
