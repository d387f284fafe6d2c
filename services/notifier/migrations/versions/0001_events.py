"""Recent events, numbered per tenant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.bus.tables import create_outbox_and_inbox
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of the schema."""
    create_outbox_and_inbox(op, "notifier")
    op.create_table(
        "streams",
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Uuid, nullable=False),
        sa.Column("last_offset", sa.BigInteger, nullable=False),
        sa.Column("pruned_offset", sa.BigInteger, nullable=False),
        sa.CheckConstraint("pruned_offset between 0 and last_offset", name="streams_offsets"),
        schema="notifier",
    )
    op.create_table(
        "events",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("topics", ARRAY(sa.Text), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "offset"),
        schema="notifier",
    )
    for table in ("streams", "events"):
        isolate(op, "notifier", table, swept=True)  # replicas read, and prune, for all tenants


def downgrade() -> None:
    """Drop them again."""
    for table in ("events", "streams", "inbox", "outbox"):
        op.drop_table(table, schema="notifier")
