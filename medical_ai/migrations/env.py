"""Alembic's environment: one connection handed in, or one made from the settings."""

from typing import Literal

from alembic import context

from medical_ai.core.config import load_settings
from medical_ai.core.database import Base, Database, UTCDateTime
from medical_ai.migrations import import_models

import_models()


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types in terms of SQLAlchemy's, so that old migrations never break."""
    return "MOMENT" if kind == "type" and isinstance(item, UTCDateTime) else False


def run(connection: object) -> None:
    """Run the migrations on one connection."""
    context.configure(
        connection=connection,  # type: ignore[arg-type]  # Alembic takes a Connection
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
