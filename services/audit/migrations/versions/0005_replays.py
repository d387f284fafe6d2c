"""Which parked messages were replayed, and answers that are given again."""

from __future__ import annotations

from alembic import op

from shared.db.idempotency import create_idempotency_keys
from shared.operating.tables import create_replays

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the tables."""
    create_replays(op, "audit")
    create_idempotency_keys(op, "audit")


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("replays", schema="audit")
    op.drop_table("idempotency_keys", schema="audit")
