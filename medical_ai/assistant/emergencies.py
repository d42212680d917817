"""What an emergency sets going beside the advice: the log, and those the patient wants to know."""

from sqlalchemy.orm import Session

from medical_ai.assistant import conversations
from medical_ai.assistant.conversations import OpenConversation
from medical_ai.assistant.triage import Triage
from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import Actor
from medical_ai.knowledge.red_flags import get_red_flags
from medical_ai.patients import alarms
from medical_ai.patients.consent import Alarm
from medical_ai.patients.schemas import Basis

AT_HOME = frozenset({Basis.OWN, Basis.PROXY, Basis.CAREGIVER})
"""The patient, and who looks after them outside the hospital. Staff ask as part of their work."""
DO_NOT_WAIT = "Do not wait for that."


def record_emergency(
    session: Session, *, actor: Actor, opened: OpenConversation, triage: Triage
) -> str:
    """Write down that help was advised, and tell who may be told, once for a conversation.

    Returns the sentence that says so to whoever asked; empty where nobody was told.
    """
    # Not what for: the log is not sealed with the record's key, and outlives the record.
    audit.record(
        session,
        tag=AuditTag.EMERGENCY_ADVISED,
        actor=actor,
        patient_id=opened.row.patient_id,
        subject=("conversation", opened.row.id),
    )
    patient = opened.patient
    if patient is None or patient.basis not in AT_HOME or _is_kept_quiet(session, opened, triage):
        return ""
    told = alarms.raise_alarm(
        session,
        alarm=Alarm.EMERGENCY_ADVISED,
        patient_id=patient.id,
        hospital_id=patient.hospital_id,
        subject=("conversation", opened.row.id),
        actor=actor,
    )
    return spoken_told(told, is_own=patient.basis is Basis.OWN)


def spoken_told(count: int, *, is_own: bool) -> str:
    """Return who else was told, for the patient or for somebody who asks about them."""
    if not count:
        return ""
    if is_own:
        who = "somebody who looks" if count == 1 else f"{count} people who look"
        return f"As you chose, a message asks {who} after you to call you. {DO_NOT_WAIT}"
    who = "somebody else who looks" if count == 1 else f"{count} others who look"
    return f"A message asks {who} after them to call them. {DO_NOT_WAIT}"


def _is_kept_quiet(session: Session, opened: OpenConversation, triage: Triage) -> bool:
    # Whoever looks after somebody may be whom they are afraid of. What was said of that before
    # counts as well: the injury is often told after the threat.
    quiet = {rule.id for rule in get_red_flags().rules if rule.quiet}
    said = conversations.list_rules(session, opened)
    return not quiet.isdisjoint(said | set(triage.rules))
