"""What an account's owner takes along of it. No secret and no hash is among it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from medical_ai.auth.models import (
    Membership,
    Passkey,
    PersonalToken,
    ProviderSignIn,
    RecoveryCode,
    TokenFamily,
    TotpFactor,
    User,
)
from medical_ai.core.actor import Actor
from medical_ai.core.database import in_batches
from medical_ai.tenancy import service as tenancy

TABLES = (
    "users", "memberships", "token_families", "access_tokens", "totp_factors", "recovery_codes",
    "passkeys", "provider_sign_ins",
)  # fmt: skip


def export_of(session: Session, actor: Actor) -> dict[str, Any]:
    """Return the account, what it is in which hospital, its sessions and how it is opened."""
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
        "access_tokens": _access_tokens(session, user),
        "second_factors": _second_factors(session, user),
        "identity_provider_sign_ins": _provider_sign_ins(session, user),
    }


def _access_tokens(session: Session, user: User) -> list[dict[str, Any]]:
    rows = session.scalars(select(PersonalToken).where(PersonalToken.user_id == user.id))
    return [
        {
            "id": one.id,
            "name": one.name,
            "scopes": one.scopes.split(),
            "created_at": one.created_at,
            "expires_at": one.expires_at,
            "last_used_at": one.last_used_at,
            "last_address": one.last_address,
            "revoked_at": one.revoked_at,
        }
        for one in rows
    ]


def _second_factors(session: Session, user: User) -> dict[str, Any]:
    app = session.get(TotpFactor, user.id)
    passkeys = session.scalars(select(Passkey).where(Passkey.user_id == user.id))
    codes = session.scalars(select(RecoveryCode).where(RecoveryCode.user_id == user.id)).all()
    return {
        "authenticator_app_since": app.created_at if app else None,
        "passkeys": [
            {"name": one.name, "created_at": one.created_at, "last_used_at": one.last_used_at}
            for one in passkeys
        ],
        "recovery_codes_made_at": max((one.created_at for one in codes), default=None),
        "recovery_codes_left": sum(one.used_at is None for one in codes),
    }


def _provider_sign_ins(session: Session, user: User) -> list[dict[str, Any]]:
    rows = session.scalars(select(ProviderSignIn).where(ProviderSignIn.user_id == user.id))
    return [
        {"subject": one.subject, "email": one.email, "created_at": one.created_at} for one in rows
    ]
