"""Alembic's environment: one connection handed in, or one made from the settings."""

from typing import Literal

from alembic import context
from sqlalchemy import Connection

from medical_ai.core.config import load_settings
from medical_ai.core.database import Base, Database, UTCDateTime
from medical_ai.migrations import import_models
from medical_ai.migrations.rerunnable import make_all_rerunnable

import_models()


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types in terms of SQLAlchemy's, so that old migrations never break."""
    return "MOMENT" if kind == "type" and isinstance(item, UTCDateTime) else False


def run(connection: Connection) -> None:
    """Run the migrations on one connection."""
    if connection.dialect.name != "sqlite":
        make_all_rerunnable(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(load_settings()).engine.begin() as made:
        run(made)
