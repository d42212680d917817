"""Recording what happened, in the transaction in which it happened."""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import Actor


def record(
    session: Session,
    *,
    tag: AuditTag,
    actor: Actor | None = None,
    patient_id: UUID | None = None,
    subject: tuple[str, UUID] | None = None,
    user_id: UUID | None = None,
    hospital_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Append one event.

    `subject` is the kind and id of the row it is about; `details` holds ids, counts and names of
    rules, never clinical text. `user_id` and `hospital_id` stand in where there is no actor yet,
    such as at sign-in.
    """
    kind, subject_id = subject or ("", None)
    if actor is not None:
        who = {
            "hospital_id": actor.tenant_id,
            "actor_user_id": actor.user_id,
            "actor_role": actor.role,
            "via": actor.via,
        }
    else:
        who = {"hospital_id": hospital_id, "actor_user_id": user_id}
    session.add(
        AuditEvent(
            tag=tag.value,
            **who,
            patient_id=patient_id,
            subject_kind=kind,
            subject_id=subject_id,
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
            details=details or {},
        )
    )
