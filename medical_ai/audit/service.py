"""Recording what happened: changes in their own transaction, looks and refusals beside it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from medical_ai.audit.models import AuditEvent
from medical_ai.audit.tags import AuditTag
from medical_ai.core.actor import Actor
from medical_ai.core.database import kept_rows
from medical_ai.core.events import AccessRefused

VIEWED = "viewed"
LISTED = "listed"
READ = "read"
REFUSED = "refused"
EXPORTED = "exported"
OWN = "own"


def record(
    session: Session,
    *,
    tag: AuditTag,
    actor: Actor | None = None,
    patient_id: UUID | None = None,
    subject: tuple[str, UUID] | None = None,
    user_id: UUID | None = None,
    hospital_id: UUID | None = None,
    role: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Append one event to the caller's transaction.

    `subject` is the kind and id of the row it is about; `details` holds ids, counts and names of
    rules, never clinical text. `user_id`, `hospital_id` and `role` stand in where there is no
    actor yet, such as at sign-in. An event about a patient takes the place of having merely looked.
    """
    session.add(
        _event(
            tag,
            _who(actor, user_id, hospital_id, role),
            patient_id=patient_id,
            subject=subject,
            basis=_forget_views(session, patient_id),
            details=details,
        )
    )


def record_view(
    session: Session, *, actor: Actor, patient_id: UUID, permission: str, basis: str
) -> None:
    """Keep that the actor opened a patient's record, once for what they opened it for."""
    key = (VIEWED, patient_id, permission)
    kept = kept_rows(session)
    if key not in kept:
        resource = permission.partition(":")[0]
        kept[key] = _event(
            AuditTag.RECORD_VIEWED,
            _who(actor),
            patient_id=patient_id,
            subject=("patient", patient_id),
            basis=basis,
            details={"resource": resource},
        )


def record_listing(
    session: Session, *, actor: Actor, patient_ids: Mapping[UUID, str], resource: str = "patient"
) -> None:
    """Keep that patients were shown to the actor in a list: one event each, with its basis."""
    kept = kept_rows(session)
    for patient_id, basis in patient_ids.items():
        kept.setdefault(
            (LISTED, patient_id, resource),
            _event(
                AuditTag.PATIENT_LISTED,
                _who(actor),
                patient_id=patient_id,
                subject=("patient", patient_id),
                basis=basis,
                details={"resource": resource},
            ),
        )


def record_reading(
    session: Session,
    *,
    actor: Actor,
    tag: AuditTag,
    patient_id: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Keep that the actor read more than a record: exported it, or searched the log.

    For requests that write nothing themselves. It takes the place of having merely looked.
    """
    basis = _forget_views(session, patient_id)
    subject = ("patient", patient_id) if patient_id else None
    kept_rows(session)[(READ, tag)] = _event(
        tag, _who(actor), patient_id=patient_id, subject=subject, basis=basis, details=details
    )


def record_export(session: Session, *, actor: Actor, patient_id: UUID | None) -> None:
    """Keep that the actor took everything along; like a look, it is written beside the request."""
    kept_rows(session)[EXPORTED] = _event(
        AuditTag.ACCOUNT_EXPORTED,
        _who(actor),
        patient_id=patient_id,
        subject=("user", actor.user_id),
        basis=OWN,
    )


def drop_views(session: Session, patient_id: UUID | None) -> None:
    """Forget that this transaction opened a record: it goes on with what was kept before."""
    _forget_views(session, patient_id)


def record_refusal(
    session: Session, *, actor: Actor, patient_id: UUID | None, details: dict[str, Any]
) -> None:
    """Keep that the actor was refused; the first of a transaction says it all.

    `patient_id` is whatever id was asked for: whether there is such a patient is not looked up,
    since that would take another time for those who exist.
    """
    subject = ("patient", patient_id) if patient_id else None
    kept_rows(session).setdefault(
        REFUSED,
        _event(
            AuditTag.ACCESS_REFUSED,
            _who(actor),
            patient_id=patient_id,
            subject=subject,
            details=details,
        ),
    )


def record_refused_request(session: Session, event: AccessRefused) -> None:
    """Keep a refused request that no patient's door has spoken of already."""
    kept_rows(session).setdefault(
        REFUSED,
        _event(
            AuditTag.ACCESS_REFUSED,
            _who(event.actor),
            subject=("request", event.subject_id) if event.subject_id else None,
            details={"endpoint": event.endpoint},
        ),
    )


def _forget_views(session: Session, patient_id: UUID | None) -> str:
    """Drop the mere looks at a patient that this transaction kept, and return their basis."""
    kept, basis = kept_rows(session), ""
    for key in [one for one in kept if isinstance(one, tuple) and one[:2] == (VIEWED, patient_id)]:
        basis = getattr(kept.pop(key), "basis", "")
        session.info.setdefault("bases", {})[patient_id] = basis
    return basis or session.info.get("bases", {}).get(patient_id, "")


def _who(
    actor: Actor | None,
    user_id: UUID | None = None,
    hospital_id: UUID | None = None,
    role: str = "",
) -> dict[str, Any]:
    if actor is None:
        return {"hospital_id": hospital_id, "actor_user_id": user_id, "actor_role": role}
    return {
        "hospital_id": actor.tenant_id,
        "actor_user_id": actor.user_id,
        "actor_role": actor.role,
        "via": actor.via,
    }


def _event(
    tag: AuditTag,
    who: dict[str, Any],
    *,
    patient_id: UUID | None = None,
    subject: tuple[str, UUID] | None = None,
    basis: str = "",
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    kind, subject_id = subject or ("", None)
    context = structlog.contextvars.get_contextvars()
    return AuditEvent(
        tag=tag.value,
        **who,
        address=context.get("address", ""),
        basis=basis,
        patient_id=patient_id,
        subject_kind=kind,
        subject_id=subject_id,
        request_id=context.get("request_id", ""),
        details=details or {},
    )
