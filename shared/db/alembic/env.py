"""Runs the migrations of one schema on the connection that ``shared.db.migrate`` hands over."""

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes["connection"],
    version_table_schema=attributes["schema"],
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
