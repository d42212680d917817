"""Asking, and reading who was told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from medical_ai.assistant import service as assistant
from medical_ai.assistant.schemas import ChatAnswer, ChatQuestion
from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core.database import Database
from medical_ai.notifications.models import Notice
from medical_ai.notifications.schemas import NoticeKind
from medical_ai.patients.consent import Alarm
from tests.support.people import Person, record_of

NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
BOTH_ALARMS = [Alarm.MISSED_DOSE, Alarm.EMERGENCY_ADVISED]


def ask(database: Database, who: Person, message: str, **more: Any) -> ChatAnswer:
    """Ask the assistant."""
    return assistant.ask(database, actor=who.actor, question=ChatQuestion(message=message, **more))


def told(database: Database, kind: NoticeKind) -> list[UUID]:
    """Return who has a notice of a kind, one entry for each."""
    with database.reading() as session:
        found = select(Notice.user_id).where(Notice.kind == kind).order_by(Notice.created_at)
        return list(session.scalars(found))


def logged(database: Database) -> list[AuditEvent]:
    """Return what the log says of alarms."""
    with database.reading() as session:
        tag = AuditTag.CAREGIVERS_ALARMED.value
        found = list(session.scalars(select(AuditEvent).where(AuditEvent.tag == tag)))
        session.expunge_all()
    return found


def patient_id_of(database: Database, who: Person) -> UUID:
    """Return the id of a patient's record."""
    with database.reading() as session:
        return record_of(session, who).id
