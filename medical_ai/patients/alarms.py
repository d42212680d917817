"""Alarms: those who look after a patient are told what the patient chose that they be told.

What exactly happened is never said: whoever is told may see less of the record than that.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import Actor
from medical_ai.notifications import service as notifications
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients.caregivers import list_alarmed
from medical_ai.patients.consent import Alarm

NOTICES = {
    Alarm.MISSED_DOSE: NoticeKind.CARE_DOSE_MISSED,
    Alarm.EMERGENCY_ADVISED: NoticeKind.CARE_EMERGENCY,
}


def raise_alarm(
    session: Session,
    *,
    alarm: Alarm,
    patient_id: UUID,
    hospital_id: UUID,
    subject: tuple[str, UUID],
    actor: Actor | None = None,
) -> int:
    """Tell everybody whom this alarm reaches, once for each subject; return how many know now.

    `actor` is who brought it about, where somebody did: they know already. The patient's log says
    that others were told, and not of what.
    """
    reached = _without(actor, list_alarmed(session, patient_id=patient_id, alarm=alarm))
    told = sum(
        notifications.tell(
            session,
            user_id=user_id,
            hospital_id=hospital_id,
            kind=NOTICES[alarm],
            subject_id=patient_id,
            key=f"{alarm}.{subject[1]}.{user_id}",
        )
        for user_id in reached
    )
    if told:
        audit.record(
            session,
            tag=AuditTag.CAREGIVERS_ALARMED,
            actor=actor,
            hospital_id=hospital_id,
            patient_id=patient_id,
            subject=subject,
            details={"told": told},
        )
    return len(reached)


def _without(actor: Actor | None, user_ids: list[UUID]) -> list[UUID]:
    return [one for one in user_ids if actor is None or one != actor.user_id]
