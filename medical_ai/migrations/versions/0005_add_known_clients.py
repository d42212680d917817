"""add known clients

From which browsers and networks an account was opened before, and until when wrong passwords hold
up the next try. One new table, one column that may be empty, one index: the previous release runs
on beside it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_clients",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_known_clients_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "mark", name=op.f("pk_known_clients")),
        **TEXT,
    )
    with op.batch_alter_table("known_clients") as batch_op:
        batch_op.create_index(batch_op.f("ix_known_clients_last_seen_at"), ["last_seen_at"])
    with op.batch_alter_table("throttle_windows") as batch_op:
        batch_op.add_column(sa.Column("open_again_at", MOMENT, nullable=True))
        batch_op.create_index(batch_op.f("ix_throttle_windows_opened_at"), ["opened_at"])


def downgrade() -> None:
    with op.batch_alter_table("throttle_windows") as batch_op:
        batch_op.drop_index(batch_op.f("ix_throttle_windows_opened_at"))
        batch_op.drop_column("open_again_at")
    op.drop_table("known_clients")
