"""Which parked messages were replayed, and answers that are given again."""

from __future__ import annotations

from alembic import op

from shared.db.idempotency import create_idempotency_keys
from shared.operating.tables import create_replays

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    create_replays(op, "notifier")
    create_idempotency_keys(op, "notifier")


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("replays", schema="notifier")
    op.drop_table("idempotency_keys", schema="notifier")
