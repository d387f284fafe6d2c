"""The tables of retention: archives, legal holds, restorations, and what was looked after when."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.audit.tables import SCHEMA, metadata
from shared.db.columns import moment, of_tenant

history_archives = Table(
    "history_archives",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    moment("first_at"),
    moment("last_at"),
    Column("hash", LargeBinary, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("stated", Text, nullable=False),
    moment("archived_at"),
    UniqueConstraint("tenant_id", "last_seq"),
    UniqueConstraint("tenant_id", "first_seq"),
    CheckConstraint(
        "first_seq % 256 = 1 and last_seq % 256 = 0 and last_seq > first_seq",
        name="history_archives_whole_blocks",
    ),
    CheckConstraint(
        "octet_length(hash) = 32 and octet_length(sha256) = 32", name="history_archives_sha256"
    ),
)
"""Files that were written and verified; append-only. Their entries may still be online besides."""

history_removals = Table(
    "history_removals",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    moment("removed_at"),
    PrimaryKeyConstraint("tenant_id", "last_seq"),
    ForeignKeyConstraint(
        ["tenant_id", "last_seq"],
        [history_archives.c.tenant_id, history_archives.c.last_seq],
    ),
)
"""Archives whose entries are online no more; only ``audit.remove_archived`` may write here."""

archived_events = Table(
    "archived_events",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant_id", "event_id"),
)
"""Events whose entries are archived, so that none is recorded twice; written by the same."""

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("user_id", Uuid),
    Column("asset_id", Uuid),
    moment("since", nullable=True),
    moment("until", nullable=True),
    Column("placed_by", Uuid, nullable=False),
    moment("placed_at"),
    Column("released_by", Uuid),
    moment("released_at", nullable=True),
    Column("release_reason", Text),
    of_tenant("user_id", f"{SCHEMA}.users"),
    of_tenant("asset_id", f"{SCHEMA}.assets"),
    of_tenant("placed_by", f"{SCHEMA}.admins"),
    of_tenant("released_by", f"{SCHEMA}.admins"),
    CheckConstraint(
        "num_nulls(released_by, released_at, release_reason) in (0, 3)",
        name="legal_holds_released",
    ),
    Index("legal_holds_placed_at", "tenant_id", "placed_at", "id"),
)
"""What must stay online; a hold is released once, and never deleted or changed otherwise."""

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    moment("ran_at"),
    moment("next_at"),
    Column("outcome", Text, nullable=False),
)
"""When each chain was last looked after, and with which outcome."""

restorations = Table(
    "restorations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("lost", JSONB, nullable=False),
    Column("forgotten", JSONB, nullable=False),
    Column("stated", Text, nullable=False),
    Column("entry_seq", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("acknowledged_by", Uuid, nullable=False),
    moment("acknowledged_at"),
    of_tenant("acknowledged_by", f"{SCHEMA}.admins"),
    Index("restorations_tenant_id", "tenant_id", "id"),
)
"""Lost parts of chains that somebody vouched for; append-only, each with an entry in the chain."""
