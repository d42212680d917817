"""Tables of tenants, and the column every tenant-owned table carries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from medical_ai.core import clock
from medical_ai.core.database import Base, UTCDateTime
from medical_ai.core.ids import new_id


class Hospital(Base):
    """A tenant. People who sign up by themselves belong to the installation's default one."""

    __tablename__ = "hospitals"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2), default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class TenantOwned:
    """Mixin: the row belongs to one hospital, and every query on it must say which."""

    @declared_attr
    def hospital_id(cls) -> Mapped[UUID]:
        """Return the column that ties the row to its tenant."""
        return mapped_column(ForeignKey("hospitals.id"), index=True)


class Ward(TenantOwned, Base):
    """A ward of a hospital. Closed ones stay, for what happened there."""

    __tablename__ = "wards"
    __table_args__ = (UniqueConstraint("hospital_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
