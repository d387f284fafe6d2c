"""A service on which every event leaves a mark."""

import sqlalchemy as sa
from alembic import op

from shared.bus.tables import create_outbox_and_inbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create outbox, inbox and the marks, which nothing keeps from being made twice."""
    create_outbox_and_inbox(op, "receiver")
    op.create_table(
        "effects",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        schema="receiver",
    )
