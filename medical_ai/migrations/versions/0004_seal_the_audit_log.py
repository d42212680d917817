"""seal the audit log

Tables for the chain of sealed blocks, indexes for reading the log in order, and on SQLite triggers
that refuse to change or delete what is in it (on MariaDB the application's user is given no such
right). What was logged before is sealed by the worker afterwards. The indexes of a large log take
some minutes; the previous release runs on beside it.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
SEALED_TABLES = ("audit_events", "audit_blocks", "audit_seals")

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_blocks",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sealed_at", MOMENT, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_blocks")),
        **TEXT,
    )
    op.create_table(
        "audit_seals",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["block"], ["audit_blocks.number"], name=op.f("fk_audit_seals_block")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("block", "position", name=op.f("uq_audit_seals_block_position")),
        **TEXT,
    )
    op.create_index("ix_audit_events_patient_id_id", "audit_events", ["patient_id", "id"])
    op.create_index("ix_audit_events_hospital_id_id", "audit_events", ["hospital_id", "id"])
    op.drop_index("ix_audit_events_patient_id_at", "audit_events")
    op.drop_index("ix_audit_events_hospital_id", "audit_events")
    if op.get_bind().dialect.name == "sqlite":
        for table in SEALED_TABLES:
            for change in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
                )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in SEALED_TABLES:
            for change in ("UPDATE", "DELETE"):
                op.execute(f"DROP TRIGGER {table}_no_{change.lower()}")
    op.create_index("ix_audit_events_hospital_id", "audit_events", ["hospital_id"])
    op.create_index("ix_audit_events_patient_id_at", "audit_events", ["patient_id", "at"])
    op.drop_index("ix_audit_events_hospital_id_id", "audit_events")
    op.drop_index("ix_audit_events_patient_id_id", "audit_events")
    op.drop_table("audit_seals")
    op.drop_table("audit_blocks")
