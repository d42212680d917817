"""Alarms on unusual access: found by the worker, told to the hospital's administrators."""

from uuid import UUID

from sqlalchemy.orm import Session

from medical_ai.audit import rules
from medical_ai.audit import service as audit
from medical_ai.audit.tags import AuditTag
from medical_ai.auth.permissions import Role
from medical_ai.auth.service import people
from medical_ai.core import clock
from medical_ai.core.database import Database
from medical_ai.core.zones import zone_of
from medical_ai.jobs import service as jobs
from medical_ai.jobs.service import ClaimedJob
from medical_ai.notifications import service as notifications
from medical_ai.notifications.channels import Channel
from medical_ai.notifications.schemas import NoticeKind

RAISE_ALARM = "audit.alarm"


def find_alarms(session: Session) -> int:
    """Enqueue an alarm for whoever meets a rule now: once for a person and a window."""
    now = clock.now()
    found = rules.find_unusual(session)
    zones = people.list_people(session, {one.user_id for one in found if one.rule.at_night})
    enqueued = 0
    for one in found:
        person = zones.get(one.user_id)
        if one.rule.at_night and not _is_night(person.timezone if person else "UTC"):
            continue
        window = int(now.timestamp() // one.rule.window.total_seconds())
        enqueued += jobs.enqueue_once(
            session,
            kind=RAISE_ALARM,
            payload={
                "rule": one.rule.name,
                "user_id": str(one.user_id),
                "hospital_id": str(one.hospital_id),
                "count": one.count,
            },
            idempotency_key=f"{RAISE_ALARM}.{one.rule.name}.{one.user_id}.{window}",
        )
    return enqueued


def raise_alarm(database: Database, job: ClaimedJob, _channels: dict[str, Channel]) -> None:
    """Run one job that writes an alarm into the log and tells who must look at it."""
    hospital_id, user_id = UUID(job.payload["hospital_id"]), UUID(job.payload["user_id"])
    with database.unit_of_work() as session:
        if not jobs.finish_job(session, job):
            return  # the lease went to another worker
        audit.record(
            session,
            tag=AuditTag.AUDIT_ALARM,
            hospital_id=hospital_id,
            subject=("user", user_id),
            details={"rule": job.payload["rule"], "count": job.payload["count"]},
        )
        for told in people.list_member_ids(
            session, hospital_id=hospital_id, role=Role.ADMINISTRATOR
        ):
            notifications.tell(
                session,
                user_id=told,
                hospital_id=hospital_id,
                kind=NoticeKind.UNUSUAL_ACCESS,
                subject_id=user_id,
            )


def _is_night(zone: str) -> bool:
    return clock.now().astimezone(zone_of(zone)).hour in rules.NIGHT_HOURS
