"""Which parked messages were replayed."""

from __future__ import annotations

from alembic import op

from shared.operating.tables import create_replays

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    create_replays(op, "assignment")


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("replays", schema="assignment")
