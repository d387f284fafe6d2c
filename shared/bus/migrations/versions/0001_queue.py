"""The queue table of the embedded bus."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """One row for each message in each queue; ready, delayed or parked."""
    op.create_table(
        "queue",
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
        sa.Column("due", sa.TIMESTAMP(timezone=True)),
        sa.Column("reason", sa.Text),
        sa.Column("parked_at", sa.TIMESTAMP(timezone=True)),
        sa.PrimaryKeyConstraint("queue", "seq"),
        schema="bus",
    )
    op.execute(
        "create index queue_due on bus.queue (due) where due is not null and parked_at is null"
    )
    op.execute(
        "create index queue_parked on bus.queue (queue, parked_at) where parked_at is not null"
    )
    op.execute(
        "alter table bus.queue set ("
        "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )


def downgrade() -> None:
    """Drop the table, and every message in it."""
    op.drop_table("queue", schema="bus")
