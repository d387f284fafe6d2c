"""The schema ``identity``."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)

from shared.bus.tables import outbox_and_inbox
from shared.db.columns import moment, tenant
from shared.db.idempotency import idempotency_keys

metadata = MetaData(schema="identity")

outbox_and_inbox(metadata)
idempotency_keys(metadata)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text, ForeignKey(tenants.c.id), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("disabled", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    tenant(),
    Column("user_id", Uuid, ForeignKey(users.c.id, ondelete="cascade"), nullable=False),
    moment("created_at"),
    moment("expires_at"),
)
"""A row for each session that may go on; to end it is to delete it."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    tenant(),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    moment("created_at"),
    Column("created_by", Uuid, nullable=False),
    moment("expires_at", nullable=True),
    moment("last_used_at", nullable=True),
)

tickets = Table(
    "tickets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    tenant(),
    Column("credential_id", Uuid, nullable=False),
    moment("expires_at"),
)
"""Tickets for WebSockets, each worth one connection as what it was got with."""
