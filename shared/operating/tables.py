"""The table of what was replayed, which every service has that has queues."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.db.columns import moment, tenant
from shared.db.tenancy import isolate


def replays(metadata: MetaData) -> Table:
    """The table of what was replayed, in the schema of ``metadata``; kept for good."""
    return Table(
        "replays",
        metadata,
        tenant(),
        Column("id", Uuid, nullable=False),
        Column("queue", Text, nullable=False),
        Column("message_id", Uuid, nullable=False),
        moment("replayed_at"),
        Column("replayed_by", Text, nullable=False),
        Column("removed", Boolean, nullable=False, server_default=text("false")),
        PrimaryKeyConstraint("id", "tenant_id"),
        Index("replays_left_idx", "queue", postgresql_where=text("not removed")),
    )


def create_replays(op: Any, schema: str) -> None:
    """Create it in a migration, fenced by tenant and swept across tenants."""
    replays(MetaData(schema=schema)).create(op.get_bind())
    isolate(op, schema, "replays", swept=True)
