"""Tables of tenants, and the column every tenant-owned table carries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
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
