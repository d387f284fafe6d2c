"""What the same bytes gave is shared, and jobs remember what befell them."""

from __future__ import annotations

from alembic import op

from shared.db.tenancy import isolate

revision = "0004"
down_revision = "0003"

SCHEMA = "converter"

TENANT = "tenant_id text not null default current_setting('app.tenant')"

# A job without a source is one of before: it is nobody's twin.
JOBS = f"""
    alter table {SCHEMA}.queue_jobs
        add column source_sha256 text,
        add column lost_workers integer not null default 0,
        add column log_key text
"""

SOURCES = f"""
    create table {SCHEMA}.sources (
        {TENANT},
        sha256 text not null,
        probe jsonb not null,
        primary key (tenant_id, sha256)
    )
"""

OBJECTS = f"""
    create table {SCHEMA}.rendition_objects (
        {TENANT},
        object_key text not null,
        asset_id uuid not null,
        token uuid not null,
        unreferenced_since timestamptz,
        abandoned boolean not null default false,
        primary key (tenant_id, object_key),
        foreign key (tenant_id, asset_id)
            references {SCHEMA}.admin_media_assets (tenant_id, id)
    )
"""

INDEXES = (
    "index queue_jobs_twins_idx on {0}.queue_jobs (tenant_id, source_sha256)"
    " where status in ('pending', 'processing')",
    "index renditions_object_key_idx on {0}.renditions (tenant_id, object_key)",
    "index rendition_objects_asset_id_idx on {0}.rendition_objects (tenant_id, asset_id)",
    "index rendition_objects_unreferenced_idx on {0}.rendition_objects (unreferenced_since)"
    " where unreferenced_since is not null",
)


def upgrade() -> None:
    """Add what is remembered."""
    for statement in (JOBS, SOURCES, OBJECTS):
        op.execute(statement)
    for index in INDEXES:
        op.execute(f"create {index.format(SCHEMA)}")
    isolate(op, SCHEMA, "sources")
    isolate(op, SCHEMA, "rendition_objects", swept=True)  # garbage is looked for in all tenants


def downgrade() -> None:
    """Forget it."""
    op.drop_table("rendition_objects", schema=SCHEMA)
    op.drop_table("sources", schema=SCHEMA)
    op.execute(f"drop index {SCHEMA}.renditions_object_key_idx")
    op.execute(
        f"alter table {SCHEMA}.queue_jobs drop column source_sha256, drop column lost_workers,"
        " drop column log_key"
    )
