"""Accounts, their place in hospitals, and their signed-in sessions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.auth.permissions import Role
from medical_ai.auth.purposes import ChallengePurpose, OneTimePurpose
from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime, enum_column
from medical_ai.core.ids import new_id
from medical_ai.tenancy.models import TenantOwned


class User(Base):
    """A person's account. One account can be something in several hospitals.

    A deleted account keeps its row and id for the audit log's sake, and nothing about a person.

    `password_hash` is empty where nobody signs in with a password; `auth0_user_id` is the subject
    (`sub`) at the identity provider, whichever provider that is. `passkey_handle` is what
    authenticators know the account by: random, so that it tells nobody anything.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    username: Mapped[str] = mapped_column(String(64))
    email_verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    password_hash: Mapped[str] = mapped_column(String(255))
    auth0_user_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    passkey_handle: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    suspended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deletion_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deletion_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Membership(TenantOwned, Base):
    """What a user is in one hospital."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("user_id", "hospital_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    suspended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class WardAssignment(TenantOwned, Base):
    """A member of staff works on a ward."""

    __tablename__ = "ward_assignments"
    __table_args__ = (UniqueConstraint("membership_id", "ward_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    membership_id: Mapped[UUID] = mapped_column(ForeignKey("memberships.id", ondelete="CASCADE"))
    ward_id: Mapped[UUID] = mapped_column(ForeignKey("wards.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class KnownPermission(Base):
    """A permission that this installation knows, with what it allows and since when."""

    __tablename__ = "permissions"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    description: Mapped[str] = mapped_column(String(255))
    known_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class RolePermission(TenantOwned, Base):
    """A hospital's word on a permission that the code declares for a role.

    There is a row for each that is declared; one that is withdrawn keeps its row, so that a later
    release does not take it for new and grant it again.
    """

    __tablename__ = "role_permissions"
    __table_args__ = (UniqueConstraint("hospital_id", "role", "permission"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    role: Mapped[Role] = mapped_column(enum_column(Role))
    permission: Mapped[str] = mapped_column(
        String(64), ForeignKey("permissions.name", ondelete="CASCADE"), index=True
    )
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class StaffInvitation(TenantOwned, Base):
    """Somebody is asked to work in a hospital; the secret link is a OneTimeToken about this row.

    `details` holds the ids of the wards to come, and whether the link went out by mail: only then
    does whoever opens it prove that the address is theirs.
    """

    __tablename__ = "staff_invitations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TokenFamily(TenantOwned, Base):
    """One signed-in session: every refresh token that descends from one sign-in.

    `factors` says what proved who it was ("password", "password+totp", "passkey" and so on), and
    `authenticated_at` when that was last proved.
    """

    __tablename__ = "token_families"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_because: Mapped[str] = mapped_column(String(32), default="")
    factors: Mapped[str] = mapped_column(String(32), default="")
    authenticated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RefreshToken(Base):
    """One refresh token of a family, known by its `jti`; used exactly once."""

    __tablename__ = "refresh_tokens"

    jti: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    family_id: Mapped[UUID] = mapped_column(
        ForeignKey("token_families.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class PersonalToken(TenantOwned, Base):
    """A token that a person made for a program: bound to one hospital, some scopes and an end.

    Only the hash of its text is kept. `scopes` are permissions separated by spaces; what it may do
    at a moment is what the person's role still allows of them.
    """

    __tablename__ = "access_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_address: Mapped[str] = mapped_column(String(45), default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_because: Mapped[str] = mapped_column(String(32), default="")


class ProviderSignIn(Base):
    """Somebody came from the identity provider: to a session of ours, or half-way to one.

    Without a family it waits, until `expires_at`, for the proof that the account is theirs. The id
    token is what the provider wants to see again at sign-out.
    """

    __tablename__ = "provider_sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    family_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("token_families.id", ondelete="CASCADE"), unique=True
    )
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(254))
    id_token_sealed: Mapped[bytes] = mapped_column(LargeBinary(65_535))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class OneTimeToken(Base):
    """A secret link that was sent to somebody: for one purpose, used once, and not for long.

    Only the hash of its token is kept. `subject_id` is the row it is about, where that is not the
    account; `email` is where it goes.
    """

    __tablename__ = "one_time_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[OneTimePurpose] = mapped_column(enum_column(OneTimePurpose))
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    subject_id: Mapped[UUID | None]
    email: Mapped[str] = mapped_column(String(254))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class KnownClient(Base):
    """A browser, network or kind of device (a hash) from which an account was opened before."""

    __tablename__ = "known_clients"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


class DeletionReceipt(Base):
    """The proof that an account was deleted: what was destroyed, when, and nothing about whom.

    `details` holds counts and the fingerprints of the sealed keys that were destroyed. The last
    address is sealed by the key ring until the receipt was sent there, and then forgotten.
    """

    __tablename__ = "deletion_receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(24), unique=True)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary(512))


class ThrottleWindow(Base):
    """Attempts of one subject (a hash) at one thing since the window opened.

    For wrong passwords `opened_at` is the last try, and `open_again_at` when the next is heard.
    """

    __tablename__ = "throttle_windows"

    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=1)
    open_again_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TotpFactor(Base):
    """The authenticator app of an account, by its shared secret (RFC 6238).

    `last_step` is the latest time step a code was accepted for: no code works twice.
    """

    __tablename__ = "totp_factors"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary(255))
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class RecoveryCode(Base):
    """One of the codes that stand in for a lost second factor; only its hash is kept."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Passkey(Base):
    """A WebAuthn credential of an account. `credential_hash` makes ids unique over all accounts."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023))
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2048))
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AuthChallenge(Base):
    """Something begun that must be finished soon, once, and by whoever began it.

    A sign-in that waits for its second factor, an authenticator app that is not confirmed yet, the
    random challenge a passkey signs. `family_id` is the session it belongs to, where there is one;
    else its id is in the browser's signed cookie.
    """

    __tablename__ = "auth_challenges"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    purpose: Mapped[ChallengePurpose] = mapped_column(enum_column(ChallengePurpose))
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    family_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("token_families.id", ondelete="CASCADE"), index=True
    )
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
