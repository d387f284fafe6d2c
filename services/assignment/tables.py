"""The tables of this service."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.bus.tables import outbox_and_inbox
from shared.db.columns import moment, of_tenant, tenant
from shared.db.idempotency import idempotency_keys
from shared.db.replica import replica
from shared.operating.tables import replays

SCHEMA = "assignment"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    },
)


users = replica(
    "users",
    metadata,
    Column("email", Text),
    Column("name", Text),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
)

admins = replica("admins", metadata, Column("email", Text), Column("name", Text))

assets = replica(
    "assets",
    metadata,
    Column("title", Text),
    Column("filename", Text),
    Column("status", Text),
    moment("deleted_at", nullable=True),
    Column("presence_version", BigInteger, nullable=False, server_default=text("0")),
)
"""``presence_version`` is the newest that was deleted or restored: older word of that is void."""

operations = Table(
    "operations",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("asset_id", Uuid, nullable=False),
    Column("performed_by", Uuid, nullable=False),
    moment("performed_at"),
    Column("user_count", Integer, nullable=False),
    moment("undo_expires_at", nullable=True),
    Column("undoes", Uuid),
    moment("undone_at", nullable=True),
    Column("undone_by", Uuid),
    Column("status", Text, nullable=False, server_default=text("'completed'")),
    Column("unchanged_count", Integer, nullable=False, server_default=text("0")),
    Column("error", Text),
    Column("retries", Uuid),
    Column("user_id", Uuid),
    PrimaryKeyConstraint("id", "tenant_id"),
    of_tenant("asset_id", f"{SCHEMA}.assets"),
    of_tenant("performed_by", f"{SCHEMA}.admins"),
    of_tenant("undone_by", f"{SCHEMA}.admins"),
    of_tenant("undoes", f"{SCHEMA}.operations"),
    of_tenant("retries", f"{SCHEMA}.operations"),
    CheckConstraint("kind in ('assign', 'bulk_assign', 'undo', 'revert')", "kind"),
    CheckConstraint(
        "case kind when 'undo' then undoes is not null"
        " when 'revert' then true else undoes is null end",
        "undoes",
    ),
    CheckConstraint("(undone_at is null) = (undone_by is null)", "undone"),
    CheckConstraint("status in ('attempted', 'failed', 'completed')", "status"),
    CheckConstraint("(error is not null) = (status = 'failed')", "error"),
    CheckConstraint(
        "status = 'completed' or (undo_expires_at is null and user_count = 0)", "window"
    ),
    Index(
        "operations_undoable_idx",
        "asset_id",
        "performed_at",
        postgresql_where=text("undone_at is null and undo_expires_at is not null"),
    ),
    Index("operations_performed_at_idx", "performed_at", "id"),
)

bulk_requests = Table(
    "bulk_requests",
    metadata,
    tenant(),
    Column("operation_id", Uuid, nullable=False),
    Column("user_ids", ARRAY(Uuid), nullable=False),
    Column("actor", Text, nullable=False),
    moment("attempted_at"),
    moment("settled_at", nullable=True),
    Column("failures", JSONB, nullable=False, server_default=text("'[]'")),
    PrimaryKeyConstraint("operation_id", "tenant_id"),
    of_tenant("operation_id", f"{SCHEMA}.operations"),
    Index("bulk_requests_open_idx", "attempted_at", postgresql_where=text("settled_at is null")),
)
"""What bulk assignments were asked to do; settled once their outcome is known."""

ACTIVE = text("superseded_at is null and reverted_at is null")

asset_assignments = Table(
    "asset_assignments",
    metadata,
    Column("id", Uuid, primary_key=True),
    tenant(),
    Column("operation_id", Uuid, nullable=False),
    Column("asset_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("previous_asset_id", Uuid),
    Column("assigned_by", Uuid, nullable=False),
    moment("assigned_at"),
    moment("valid_from"),
    moment("undo_expires_at", nullable=True),
    Column("restored_from", Uuid, ForeignKey(f"{SCHEMA}.asset_assignments.id")),
    moment("superseded_at", nullable=True),
    Column("superseded_by", Uuid, ForeignKey(f"{SCHEMA}.asset_assignments.id")),
    moment("reverted_at", nullable=True),
    Column("reverted_by", Uuid),
    Column("revert_reason", Text),
    of_tenant("operation_id", f"{SCHEMA}.operations"),
    of_tenant("asset_id", f"{SCHEMA}.assets"),
    of_tenant("user_id", f"{SCHEMA}.users"),
    of_tenant("previous_asset_id", f"{SCHEMA}.assets"),
    of_tenant("assigned_by", f"{SCHEMA}.admins"),
    of_tenant("reverted_by", f"{SCHEMA}.admins"),
    CheckConstraint("superseded_by is null or superseded_at is not null", "superseded"),
    CheckConstraint("(reverted_at is null) = (reverted_by is null)", "reverted"),
    CheckConstraint("revert_reason is null or reverted_at is not null", "revert_reason"),
    CheckConstraint("restored_from is null or undo_expires_at is null", "restored"),
    Index(
        "asset_assignments_one_active_key",
        "user_id",
        "tenant_id",
        unique=True,
        postgresql_where=ACTIVE,
    ),
    Index(
        "asset_assignments_holders_idx",
        "asset_id",
        "assigned_at",
        postgresql_where=ACTIVE,
    ),
    Index(
        "asset_assignments_superseded_by_key",
        "superseded_by",
        unique=True,
        postgresql_where=text("superseded_by is not null"),
    ),
    Index("asset_assignments_user_id_idx", "user_id", "valid_from"),
    Index("asset_assignments_asset_id_idx", "asset_id", "valid_from"),
    Index("asset_assignments_assigned_at_idx", "assigned_at"),
    Index("asset_assignments_operation_id_idx", "operation_id"),
    Index(
        "asset_assignments_restored_from_idx",
        "restored_from",
        postgresql_where=text("restored_from is not null"),
    ),
)

active_assignments = table(
    "active_assignments",
    *(column(c.name, c.type) for c in asset_assignments.columns),
    schema=SCHEMA,
)
"""A view: the assignments that are neither superseded nor reverted, at most one for each user."""

dirty_assets = Table(
    "dirty_assets",
    metadata,
    tenant(),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("asset_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant_id", "seq"),
)
"""Marks of commands, one row a mark: two commands on one asset never wait for each other."""

asset_states = Table(
    "asset_states",
    metadata,
    tenant(),
    Column("asset_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    PrimaryKeyConstraint("asset_id", "tenant_id"),
    of_tenant("asset_id", f"{SCHEMA}.assets"),
)
"""How many times the state of an asset was published."""

outbox, inbox = outbox_and_inbox(metadata)
idempotency_keys(metadata)
replays(metadata)
