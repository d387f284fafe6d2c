"""The tables of this service; the migrations say what of them is constrained and indexed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.bus.tables import outbox_and_inbox
from shared.db.columns import moment, tenant
from shared.db.idempotency import idempotency_keys
from shared.db.replica import replica
from shared.operating.tables import replays

SCHEMA = "converter"

metadata = MetaData(schema=SCHEMA)

outbox, inbox = outbox_and_inbox(metadata)
idempotency_keys(metadata)
replays(metadata)


users = replica(
    "users", metadata, Column("email", Text), Column("name", Text), Column("disabled", Boolean)
)

admins = replica("admins", metadata, Column("email", Text), Column("name", Text))

admin_media_assets = Table(
    "admin_media_assets",
    metadata,
    tenant(primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("title", Text),
    Column("filename", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration_seconds", Double),
    Column("conversion_status", Text),
    Column("progress", SmallInteger),
    Column("conversion_error", Text),
    Column("conversion_error_code", Text),
    Column("gif_url", Text),
    Column("webm_url", Text),
    Column("mp4_url", Text),
    Column("thumbnail_url", Text),
    Column("poster_best_url", Text),
    Column("user_id", Uuid),
    moment("assigned_at", nullable=True),
    Column("assigned_by", Uuid),
    Column("active_assignment_count", Integer),
    Column("assignment_version", BigInteger),
    Column("version", BigInteger),
    Column("restored_version", BigInteger),
    moment("created_at"),
    Column("created_by", Uuid),
    moment("deleted_at", nullable=True),
)
"""The columns named ``*_url`` hold object keys; what a person gets is signed anew each time."""

queue_jobs = Table(
    "queue_jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    tenant(),
    Column("asset_id", Uuid),
    Column("job_type", Text),
    Column("status", Text),
    Column("priority", Integer),
    Column("input_path", Text),
    Column("source_sha256", Text),
    Column("output_paths", JSONB),
    Column("error", Text),
    Column("error_code", Text),
    Column("log", Text),
    Column("log_key", Text),
    Column("retry_count", Integer),
    Column("max_retries", Integer),
    Column("timeouts", Integer),
    Column("lost_workers", Integer),
    Column("correlation_id", Text),
    moment("created_at"),
    moment("due_at"),
    moment("started_at", nullable=True),
    moment("completed_at", nullable=True),
    Column("worker", Text),
    Column("lease_token", Uuid),
    moment("lease_expires_at", nullable=True),
)

renditions = Table(
    "renditions",
    metadata,
    tenant(primary_key=True),
    Column("asset_id", Uuid, primary_key=True),
    Column("rendition", Text, primary_key=True),
    Column("object_key", Text),
    Column("content_type", Text),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("recipe", Text),
    Column("token", Uuid),
    moment("created_at"),
)

conversion_status_history = Table(
    "conversion_status_history",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    tenant(),
    Column("asset_id", Uuid),
    Column("previous_status", Text),
    Column("status", Text),
    Column("error", Text),
    Column("error_code", Text),
    moment("changed_at"),
    Column("changed_by", Text),
)

incoming = Table(
    "incoming",
    metadata,
    tenant(primary_key=True),
    Column("object_key", Text, primary_key=True),
    moment("noted_at"),
    Column("abandoned", Boolean),
)

uploads = Table(
    "uploads",
    metadata,
    tenant(primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("length", BigInteger),
    Column("received", BigInteger),
    Column("parts", Integer),
    Column("metadata", Text),
    Column("filename", Text),
    Column("title", Text),
    moment("created_at"),
    Column("created_by", Text),
    moment("expires_at"),
    Column("ended", Text),
    moment("ended_at", nullable=True),
    Column("reason", Text),
    Column("asset_id", Uuid),
    Column("cleaned", Boolean),
)
"""Resumable uploads: all bytes before ``received`` are stored, as parts or as the asset."""

upload_parts = Table(
    "upload_parts",
    metadata,
    tenant(primary_key=True),
    Column("upload_id", Uuid, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("size_bytes", BigInteger),
    Column("object_key", Text),
)

sources = Table(
    "sources",
    metadata,
    tenant(primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("probe", JSONB),
)
"""What the deep look told of some bytes, whichever asset they came with."""

rendition_objects = Table(
    "rendition_objects",
    metadata,
    tenant(primary_key=True),
    Column("object_key", Text, primary_key=True),
    Column("asset_id", Uuid),
    Column("token", Uuid),
    moment("unreferenced_since", nullable=True),
    Column("abandoned", Boolean),
)
"""Every object an attempt set out to store; ``renditions`` say which are referred to."""
