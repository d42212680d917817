"""What somebody takes along of their notices."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.core.actor import Actor
from medical_ai.core.database import in_batches
from medical_ai.notifications.models import Notice
from medical_ai.notifications.wording import WORDINGS

TABLES = ("notices",)


def export_of(session: Session, actor: Actor) -> dict[str, Any]:
    """Return every notice of an account, in all hospitals."""
    query = select(Notice).where(Notice.user_id == actor.user_id)
    return {
        "notices": (
            {
                "id": one.id,
                "kind": one.kind.value,
                "title": WORDINGS[one.kind].title if one.kind in WORDINGS else "A dose is due",
                "about_id": one.subject_id,
                "created_at": one.created_at,
                "read_at": one.read_at,
            }
            for one in in_batches(session, query, Notice.id)
        )
    }
