"""Which parked messages were replayed."""

from __future__ import annotations

from alembic import op

from shared.operating.tables import create_replays

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table."""
    create_replays(op, "audit")


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("replays", schema="audit")
