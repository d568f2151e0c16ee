"""Run by Alembic: the connection comes from migrate.py."""

from alembic import context

from mcp_service.database import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.monitors.metadata,
)
with context.begin_transaction():
    context.run_migrations()
