"""The schema ``audit``: the trail and its seals, and the people and assets named in it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.bus.tables import outbox_and_inbox
from shared.db.columns import known, moment, of_tenant, version
from shared.db.idempotency import idempotency_keys
from shared.operating.tables import replays

SCHEMA = "audit"

metadata = MetaData(schema=SCHEMA)

outbox_and_inbox(metadata)
idempotency_keys(metadata)
replays(metadata)


def _filtered_by(name: str) -> Index:
    """Finds the entries of one ``name`` in the order in which they are listed."""
    return Index(f"assignment_history_{name}", "tenant_id", name, "performed_at", "seq")


users = Table(
    "users",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    known(),
    Column("email", Text),
    Column("name", Text),
    version(),
    PrimaryKeyConstraint("tenant_id", "id"),
)

admins = Table(
    "admins",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    known(),
    Column("email", Text),
    Column("name", Text),
    version(),
    PrimaryKeyConstraint("tenant_id", "id"),
    CheckConstraint("kind in ('user', 'key', 'system')", name="admins_kind"),
)
"""Everybody a deed is attributed to: administrators, API keys, and the system itself."""

assets = Table(
    "assets",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("id", Uuid, nullable=False),
    known(),
    Column("title", Text),
    version(),
    Column("thumbnail_key", Text),
    moment("thumbnail_at", nullable=True),
    PrimaryKeyConstraint("tenant_id", "id"),
)

assignment_history = Table(
    "assignment_history",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("user_id", Uuid),
    Column("asset_id", Uuid),
    Column("previous_asset_id", Uuid),
    Column("assignment_id", Uuid),
    Column("operation_id", Uuid),
    Column("actor", Text, nullable=False),
    Column("performed_by", Uuid, nullable=False),
    moment("performed_at"),
    moment("recorded_at"),
    Column("reason", Text),
    Column("metadata", JSONB),
    UniqueConstraint("tenant_id", "seq"),
    UniqueConstraint("tenant_id", "event_id"),
    of_tenant("user_id", f"{SCHEMA}.users"),
    of_tenant("asset_id", f"{SCHEMA}.assets"),
    of_tenant("previous_asset_id", f"{SCHEMA}.assets"),
    of_tenant("performed_by", f"{SCHEMA}.admins"),
    CheckConstraint("seq > 0", name="assignment_history_seq"),
    CheckConstraint("jsonb_typeof(metadata) = 'object'", name="assignment_history_metadata"),
    CheckConstraint("action ~ '^[a-z_]+$'", name="assignment_history_action"),
    CheckConstraint(
        "actor in ('system', 'user:' || performed_by, 'key:' || performed_by)",
        name="assignment_history_actor",
    ),
    CheckConstraint(
        "action not in ('assigned', 'undone', 'reverted')"
        " or num_nulls(user_id, asset_id, assignment_id, operation_id) = 0"
        " or (action <> 'assigned' and num_nonnulls(user_id, assignment_id) = 0"
        " and num_nulls(asset_id, operation_id, metadata) = 0)",
        name="assignment_history_of_assignment",
    ),
    CheckConstraint(
        "action not in ('bulk_assigned', 'bulk_attempt_failed')"
        " or num_nulls(asset_id, operation_id, metadata) = 0",
        name="assignment_history_of_operation",
    ),
    CheckConstraint(
        "action not in"
        " ('conversion_status_changed', 'retried', 'asset_uploaded', 'asset_deleted')"
        " or (user_id is null and num_nulls(asset_id, metadata) = 0)",
        name="assignment_history_of_asset",
    ),
    CheckConstraint(
        "action <> 'user_created' or (asset_id is null and user_id is not null)",
        name="assignment_history_of_user",
    ),
    Index("assignment_history_performed_at", "tenant_id", "performed_at", "seq"),
    *map(_filtered_by, ("user_id", "asset_id", "action", "performed_by")),
)
"""Append-only: the service's role may insert and select, and a trigger refuses everybody else."""

history_seals = Table(
    "history_seals",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("entry_id", Uuid, nullable=False, unique=True),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq"),
    ForeignKeyConstraint(["entry_id"], [assignment_history.c.id]),
    CheckConstraint(
        "octet_length(prev_hash) = 32 and octet_length(hash) = 32", name="history_seals_sha256"
    ),
)
"""Append-only, and written in the same transaction as the entries they seal."""

history_blocks = Table(
    "history_blocks",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "block"),
    CheckConstraint("octet_length(root) = 32", name="history_blocks_sha256"),
)
"""Roots of whole blocks of the Merkle tree, counted from 0; append-only, written with a checkpoint.

They can be computed from the seals; a proof is made without reading all of those.
"""

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("tenant_id", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    moment("signed_at"),
    PrimaryKeyConstraint("tenant_id", "size"),
    CheckConstraint("size > 0", name="checkpoints_size"),
)
"""Every checkpoint that was signed; append-only, and copied to where this database cannot reach."""

chains = Table("chains", metadata, Column("tenant_id", Text, primary_key=True))
"""Whose chains there are, for the notary, who looks after those of all tenants."""
