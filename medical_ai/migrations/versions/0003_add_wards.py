"""add wards

Wards, who works on them, and which patient is on which ward. New tables only: the previous
release runs on beside them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wards",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_wards_hospital_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wards")),
        sa.UniqueConstraint("hospital_id", "name", name=op.f("uq_wards_hospital_id_name")),
        **TEXT,
    )
    with op.batch_alter_table("wards") as batch_op:
        batch_op.create_index(batch_op.f("ix_wards_hospital_id"), ["hospital_id"])
    op.create_table(
        "ward_assignments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("ward_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_ward_assignments_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["memberships.id"],
            name=op.f("fk_ward_assignments_membership_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ward_id"],
            ["wards.id"],
            name=op.f("fk_ward_assignments_ward_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ward_assignments")),
        sa.UniqueConstraint(
            "membership_id", "ward_id", name=op.f("uq_ward_assignments_membership_id_ward_id")
        ),
        **TEXT,
    )
    with op.batch_alter_table("ward_assignments") as batch_op:
        batch_op.create_index(batch_op.f("ix_ward_assignments_hospital_id"), ["hospital_id"])
        batch_op.create_index(batch_op.f("ix_ward_assignments_ward_id"), ["ward_id"])
    op.create_table(
        "ward_stays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("ward_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_ward_stays_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_ward_stays_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["ward_id"], ["wards.id"], name=op.f("fk_ward_stays_ward_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ward_stays")),
        **TEXT,
    )
    with op.batch_alter_table("ward_stays") as batch_op:
        batch_op.create_index(batch_op.f("ix_ward_stays_hospital_id"), ["hospital_id"])
        batch_op.create_index(batch_op.f("ix_ward_stays_ward_id"), ["ward_id"])
        batch_op.create_index("ix_ward_stays_patient_id_ended_at", ["patient_id", "ended_at"])


def downgrade() -> None:
    op.drop_table("ward_stays")
    op.drop_table("ward_assignments")
    op.drop_table("wards")
