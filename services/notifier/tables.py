"""The schema ``notifier``."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.bus.tables import outbox_and_inbox
from shared.db.idempotency import idempotency_keys
from shared.operating.tables import replays

metadata = MetaData(schema="notifier")

outbox_and_inbox(metadata)
idempotency_keys(metadata)
replays(metadata)

streams = Table(
    "streams",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("epoch", Uuid, nullable=False),
    Column("last_offset", BigInteger, nullable=False),
    Column("pruned_offset", BigInteger, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", DateTime(timezone=True), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("tenant_id", "offset"),
)
