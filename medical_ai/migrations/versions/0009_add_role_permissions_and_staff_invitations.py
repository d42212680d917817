"""add role permissions and staff invitations

The permissions there are, what each hospital grants its roles of them, and who is invited to work
there. New tables only: the previous release runs on beside them. `python3 db.py` fills the first
two afterwards.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "permissions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
        sa.Column("known_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_permissions")),
        **TEXT,
    )
    op.create_table(
        "role_permissions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("permission", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_role_permissions_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["permission"],
            ["permissions.name"],
            name=op.f("fk_role_permissions_permission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_permissions")),
        sa.UniqueConstraint(
            "hospital_id",
            "role",
            "permission",
            name=op.f("uq_role_permissions_hospital_id_role_permission"),
        ),
        **TEXT,
    )
    with op.batch_alter_table("role_permissions") as batch_op:
        batch_op.create_index(batch_op.f("ix_role_permissions_hospital_id"), ["hospital_id"])
        batch_op.create_index(batch_op.f("ix_role_permissions_permission"), ["permission"])
    op.create_table(
        "staff_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hospital_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["hospital_id"], ["hospitals.id"], name=op.f("fk_staff_invitations_hospital_id")
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"],
            ["users.id"],
            name=op.f("fk_staff_invitations_invited_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_invitations")),
        **TEXT,
    )
    with op.batch_alter_table("staff_invitations") as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_invitations_hospital_id"), ["hospital_id"])


def downgrade() -> None:
    op.drop_table("staff_invitations")
    op.drop_table("role_permissions")
    op.drop_table("permissions")
