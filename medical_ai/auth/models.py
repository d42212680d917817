"""Accounts, their place in hospitals, and their signed-in sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from medical_ai.auth.permissions import Role
from medical_ai.auth.purposes import OneTimePurpose
from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime, enum_column
from medical_ai.core.ids import new_id
from medical_ai.tenancy.models import TenantOwned


class User(Base):
    """A person's account. One account can be something in several hospitals.

    `password_hash` is empty where nobody signs in with a password; `auth0_user_id` is the subject
    (`sub`) at the identity provider, whichever provider that is.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    username: Mapped[str] = mapped_column(String(64))
    email_verified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    password_hash: Mapped[str] = mapped_column(String(255))
    auth0_user_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    is_demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    suspended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


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


class TokenFamily(TenantOwned, Base):
    """One signed-in session: every refresh token that descends from one sign-in."""

    __tablename__ = "token_families"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_because: Mapped[str] = mapped_column(String(32), default="")


class RefreshToken(Base):
    """One refresh token of a family, known by its `jti`; used exactly once."""

    __tablename__ = "refresh_tokens"

    jti: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    family_id: Mapped[UUID] = mapped_column(
        ForeignKey("token_families.id", ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


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
    """A browser or network (a hash) from which an account was opened before."""

    __tablename__ = "known_clients"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


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
