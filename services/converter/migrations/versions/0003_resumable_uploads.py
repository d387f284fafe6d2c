"""Resumable uploads and their parts."""

from __future__ import annotations

from alembic import op

from shared.db.tenancy import isolate

revision = "0003"
down_revision = "0002"

SCHEMA = "converter"

TENANT = "tenant_id text not null default current_setting('app.tenant')"

UPLOADS = f"""
    create table {SCHEMA}.uploads (
        id uuid not null,
        {TENANT},
        length bigint not null,
        received bigint not null default 0,
        parts integer not null default 0,
        metadata text not null,
        filename text,
        title text,
        created_at timestamptz not null,
        created_by text not null,
        expires_at timestamptz not null,
        ended text,
        ended_at timestamptz,
        reason text,
        asset_id uuid,
        cleaned boolean not null default false,
        primary key (tenant_id, id),
        foreign key (tenant_id, asset_id) references {SCHEMA}.admin_media_assets (tenant_id, id),
        constraint uploads_received_check check (received between 0 and length),
        constraint uploads_ended_check
            check (ended in ('completed', 'terminated', 'refused', 'expired')),
        constraint uploads_ended_at_check check ((ended is null) = (ended_at is null)),
        constraint uploads_asset_id_check
            check ((ended is not distinct from 'completed') = (asset_id is not null)),
        constraint uploads_complete_check
            check (received < length or ended in ('completed', 'terminated'))
    )
"""

PARTS = f"""
    create table {SCHEMA}.upload_parts (
        {TENANT},
        upload_id uuid not null,
        start bigint not null,
        size_bytes bigint not null,
        object_key text not null,
        primary key (tenant_id, upload_id, start),
        foreign key (tenant_id, upload_id) references {SCHEMA}.uploads (tenant_id, id)
            on delete cascade,
        constraint upload_parts_size_bytes_check check (size_bytes > 0)
    )
"""

INDEXES = (
    "index uploads_open_idx on {0}.uploads (expires_at) where ended is null",
    "index uploads_ended_idx on {0}.uploads (ended_at) where ended is not null",
)


def upgrade() -> None:
    """Create the tables."""
    op.execute(UPLOADS)
    op.execute(PARTS)
    for index in INDEXES:
        op.execute(f"create {index.format(SCHEMA)}")
    for table in ("uploads", "upload_parts"):
        isolate(op, SCHEMA, table, swept=True)  # what is abandoned is removed for all tenants


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("upload_parts", schema=SCHEMA)
    op.drop_table("uploads", schema=SCHEMA)
