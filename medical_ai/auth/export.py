"""What an account's owner takes along of it. No secret and no hash is among it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth.models import Membership, TokenFamily, User
from medical_ai.core.actor import Actor
from medical_ai.core.database import in_batches
from medical_ai.tenancy import service as tenancy

TABLES = ("users", "memberships", "token_families")


def export_of(session: Session, actor: Actor) -> dict[str, Any]:
    """Return the account, what it is in which hospital, and its sessions."""
    user = session.get_one(User, actor.user_id)
    memberships = session.scalars(select(Membership).where(Membership.user_id == user.id))
    families = select(TokenFamily).where(TokenFamily.user_id == user.id)
    return {
        "account": {
            "id": user.id,
            "email": user.email,
            "email_verified_at": user.email_verified_at,
            "username": user.username,
            "timezone": user.timezone,
            "has_password": bool(user.password_hash),
            "identity_provider_subject": user.auth0_user_id,
            "created_at": user.created_at,
            "suspended_at": user.suspended_at,
            "deletion_asked_at": user.deletion_asked_at,
            "deletion_due_at": user.deletion_due_at,
        },
        "memberships": [
            {
                "hospital": tenancy.get_hospital(session, one.hospital_id).name,
                "role": one.role.value,
                "created_at": one.created_at,
                "suspended_at": one.suspended_at,
            }
            for one in memberships.all()
        ],
        "sessions": (
            {
                "id": one.id,
                "user_agent": one.user_agent,
                "address": one.address,
                "created_at": one.created_at,
                "last_seen_at": one.last_seen_at,
                "revoked_at": one.revoked_at,
                "revoked_because": one.revoked_because,
            }
            for one in in_batches(session, families, TokenFamily.id)
        ),
    }
