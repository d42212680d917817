"""add details, search and break-glass

Who a patient is (sealed), the keyed hashes under which they are found, records opened in an
emergency, and a patient's wish that somebody's care ends. New tables, and one column that may be
empty: the previous release runs on beside them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("care_relationships") as batch_op:
        batch_op.add_column(sa.Column("objected_at", MOMENT, nullable=True))
    op.create_table(
        "patient_details",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(length=16384), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_patient_details_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_patient_details_patient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_details")),
        **TEXT,
    )
    with op.batch_alter_table("patient_details") as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_details_hospital_id"), ["hospital_id"])
    op.create_table(
        "patient_search_terms",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(length=32), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_patient_search_terms_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_patient_search_terms_patient_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("patient_id", "term", name=op.f("pk_patient_search_terms")),
        **TEXT,
    )
    with op.batch_alter_table("patient_search_terms") as batch_op:
        batch_op.create_index(batch_op.f("ix_patient_search_terms_hospital_id"), ["hospital_id"])
        batch_op.create_index("ix_patient_search_terms_hospital_id_term", ["hospital_id", "term"])
    op.create_table(
        "break_glass_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(length=4096), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("reviewed_at", MOMENT, nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_break_glass_grants_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_break_glass_grants_patient_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_break_glass_grants_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["reviewed_by"],
            ["users.id"],
            name=op.f("fk_break_glass_grants_reviewed_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass_grants")),
        **TEXT,
    )
    with op.batch_alter_table("break_glass_grants") as batch_op:
        batch_op.create_index(batch_op.f("ix_break_glass_grants_hospital_id"), ["hospital_id"])
        batch_op.create_index(
            "ix_break_glass_grants_patient_id_user_id", ["patient_id", "user_id"]
        )
        batch_op.create_index(
            "ix_break_glass_grants_user_id_opened_at", ["user_id", "opened_at"]
        )


def downgrade() -> None:
    op.drop_table("break_glass_grants")
    op.drop_table("patient_search_terms")
    op.drop_table("patient_details")
    with op.batch_alter_table("care_relationships") as batch_op:
        batch_op.drop_column("objected_at")
