"""add caregivers and deletion

Who looks after whom, when an account is to be deleted, and the receipts of what was. Columns are
nullable and tables new: the previous release runs on beside them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("deletion_asked_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("deletion_due_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("deleted_at", MOMENT, nullable=True))
        batch_op.create_index(batch_op.f("ix_users_deletion_due_at"), ["deletion_due_at"])
    op.create_table(
        "deletion_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_receipts")),
        sa.UniqueConstraint("number", name=op.f("uq_deletion_receipts_number")),
        **TEXT,
    )
    op.create_table(
        "caregivers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("relationship", sa.String(length=24), nullable=False),
        sa.Column("permissions", sa.String(length=255), nullable=False),
        sa.Column("alarms", sa.String(length=255), nullable=False),
        sa.Column("email_sealed", sa.LargeBinary(length=512), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(length=512), nullable=True),
        sa.Column("birth_date_sealed", sa.LargeBinary(length=64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("ends_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_caregivers_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_caregivers_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_caregivers_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caregivers")),
        **TEXT,
    )
    with op.batch_alter_table("caregivers") as batch_op:
        batch_op.create_index(batch_op.f("ix_caregivers_hospital_id"), ["hospital_id"])
        batch_op.create_index(batch_op.f("ix_caregivers_patient_id"), ["patient_id"])
        batch_op.create_index("ix_caregivers_user_id_patient_id", ["user_id", "patient_id"])


def downgrade() -> None:
    op.drop_table("caregivers")
    op.drop_table("deletion_receipts")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_index(batch_op.f("ix_users_deletion_due_at"))
        batch_op.drop_column("deleted_at")
        batch_op.drop_column("deletion_due_at")
        batch_op.drop_column("deletion_asked_at")
