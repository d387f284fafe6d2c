"""Answers kept for clients that ask again."""

from __future__ import annotations

from alembic import op

from shared.db.idempotency import TABLE, create_idempotency_keys

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the table."""
    create_idempotency_keys(op, "identity")


def downgrade() -> None:
    """Drop it again."""
    op.drop_table(TABLE, schema="identity")
