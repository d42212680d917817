"""add secret links and what the log says of access

A table of links that work once; where an audit event came from and why it was allowed; whether an
address is confirmed, who somebody is at an identity provider, and whether they are suspended in
one hospital. Adds empty columns only: the previous release runs on beside it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "one_time_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_one_time_tokens_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_tokens_token_hash")),
        **TEXT,
    )
    with op.batch_alter_table("one_time_tokens") as batch_op:
        batch_op.create_index(batch_op.f("ix_one_time_tokens_user_id"), ["user_id"])
        batch_op.create_index(batch_op.f("ix_one_time_tokens_expires_at"), ["expires_at"])
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.add_column(
            sa.Column("address", sa.String(length=45), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("basis", sa.String(length=24), server_default="", nullable=False)
        )
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("email_verified_at", MOMENT, nullable=True))
        batch_op.add_column(sa.Column("auth0_user_id", sa.String(length=255), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_users_auth0_user_id"), ["auth0_user_id"])
    with op.batch_alter_table("memberships") as batch_op:
        batch_op.add_column(sa.Column("suspended_at", MOMENT, nullable=True))
    with op.batch_alter_table("token_families") as batch_op:
        batch_op.add_column(
            sa.Column("address", sa.String(length=45), server_default="", nullable=False)
        )


def downgrade() -> None:
    with op.batch_alter_table("token_families") as batch_op:
        batch_op.drop_column("address")
    with op.batch_alter_table("memberships") as batch_op:
        batch_op.drop_column("suspended_at")
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_users_auth0_user_id"), type_="unique")
        batch_op.drop_column("auth0_user_id")
        batch_op.drop_column("email_verified_at")
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.drop_column("basis")
        batch_op.drop_column("address")
    op.drop_table("one_time_tokens")
