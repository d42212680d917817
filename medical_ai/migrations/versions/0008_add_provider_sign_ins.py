"""add sign-ins at the identity provider

Who came from the identity provider to which session, and what the provider wants to see again at
sign-out. A new table only: the previous release runs on beside it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "provider_sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("id_token_sealed", sa.LargeBinary(length=65_535), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_provider_sign_ins_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["token_families.id"],
            name=op.f("fk_provider_sign_ins_family_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_sign_ins")),
        sa.UniqueConstraint("family_id", name=op.f("uq_provider_sign_ins_family_id")),
        **TEXT,
    )
    with op.batch_alter_table("provider_sign_ins") as batch_op:
        batch_op.create_index(batch_op.f("ix_provider_sign_ins_user_id"), ["user_id"])
        batch_op.create_index(batch_op.f("ix_provider_sign_ins_expires_at"), ["expires_at"])


def downgrade() -> None:
    op.drop_table("provider_sign_ins")
