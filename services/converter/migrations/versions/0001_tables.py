"""Assets, the jobs that convert them, their renditions and history, and what is known of people."""

from __future__ import annotations

from alembic import op

from shared.bus.tables import create_outbox_and_inbox
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None

SCHEMA = "converter"

TENANT = "tenant_id text not null default current_setting('app.tenant')"
STATUSES = "in ('pending', 'processing', 'completed', 'failed')"
RENDITIONS = "in ('thumbnail', 'mp4', 'gif', 'webm')"

READ_MODELS = {
    "users": "email text, name text, disabled boolean not null default false",
    "admins": "email text, name text",
}


def references(column: str, target: str) -> str:
    """A reference that cannot cross tenants."""
    return f"foreign key (tenant_id, {column}) references {SCHEMA}.{target} (tenant_id, id)"


# The columns named *_url hold object keys; what a person gets is signed anew each time.
ASSETS = f"""
    create table {SCHEMA}.admin_media_assets (
        id uuid not null,
        {TENANT},
        title text not null,
        filename text not null,
        size_bytes bigint not null,
        sha256 text not null,
        width integer,
        height integer,
        duration_seconds double precision,
        conversion_status text not null default 'pending',
        progress smallint not null default 0,
        conversion_error text,
        conversion_error_code text,
        gif_url text,
        webm_url text,
        mp4_url text,
        thumbnail_url text,
        user_id uuid,
        assigned_at timestamptz,
        assigned_by uuid,
        active_assignment_count integer not null default 0,
        assignment_version bigint not null default 0,
        version bigint not null default 1,
        created_at timestamptz not null,
        created_by uuid,
        deleted_at timestamptz,
        primary key (tenant_id, id),
        {references("user_id", "users")},
        {references("assigned_by", "admins")},
        {references("created_by", "admins")},
        constraint admin_media_assets_conversion_status_check check (conversion_status {STATUSES}),
        constraint admin_media_assets_progress_check check (progress between 0 and 100),
        constraint admin_media_assets_error_check
            check ((conversion_status = 'failed') = (conversion_error is not null))
    )
"""

JOBS = f"""
    create table {SCHEMA}.queue_jobs (
        id uuid primary key,
        {TENANT},
        asset_id uuid not null,
        job_type text not null default 'convert_media',
        status text not null default 'pending',
        priority integer not null default 0,
        input_path text not null,
        output_paths jsonb,
        error text,
        error_code text,
        log text,
        retry_count integer not null default 0,
        max_retries integer not null default 3,
        timeouts integer not null default 0,
        correlation_id text,
        created_at timestamptz not null,
        due_at timestamptz not null,
        started_at timestamptz,
        completed_at timestamptz,
        worker text,
        lease_token uuid,
        lease_expires_at timestamptz,
        {references("asset_id", "admin_media_assets")},
        constraint queue_jobs_job_type_check check (job_type = 'convert_media'),
        constraint queue_jobs_status_check check (status {STATUSES}),
        constraint queue_jobs_retry_count_check check (retry_count between 0 and max_retries),
        constraint queue_jobs_lease_check check ((status = 'processing')
            = (lease_token is not null) and (lease_token is null) = (lease_expires_at is null))
    )
"""

RENDITION_TABLE = f"""
    create table {SCHEMA}.renditions (
        {TENANT},
        asset_id uuid not null,
        rendition text not null,
        object_key text not null,
        content_type text not null,
        size_bytes bigint not null,
        sha256 text not null,
        recipe text not null,
        token uuid not null,
        created_at timestamptz not null,
        primary key (tenant_id, asset_id, rendition),
        {references("asset_id", "admin_media_assets")},
        constraint renditions_rendition_check check (rendition {RENDITIONS})
    )
"""

HISTORY = f"""
    create table {SCHEMA}.conversion_status_history (
        seq bigint generated always as identity primary key,
        {TENANT},
        asset_id uuid not null,
        previous_status text,
        status text not null,
        error text,
        error_code text,
        changed_at timestamptz not null,
        changed_by text not null,
        {references("asset_id", "admin_media_assets")}
    )
"""

INCOMING = f"""
    create table {SCHEMA}.incoming (
        {TENANT},
        object_key text not null,
        noted_at timestamptz not null,
        abandoned boolean not null default false,
        primary key (tenant_id, object_key)
    )
"""

INDEXES = (
    "index admin_media_assets_user_id_idx on {0}.admin_media_assets (user_id)",
    "index admin_media_assets_conversion_status_idx on {0}.admin_media_assets"
    " (tenant_id, conversion_status, created_at, id)",
    "index admin_media_assets_newest_idx on {0}.admin_media_assets (tenant_id, created_at, id)",
    "index admin_media_assets_sha256_idx on {0}.admin_media_assets (tenant_id, sha256)",
    "index queue_jobs_asset_id_idx on {0}.queue_jobs (asset_id)",
    "index queue_jobs_status_idx on {0}.queue_jobs (status, priority desc, created_at)"
    " where status in ('pending', 'processing')",
    "unique index queue_jobs_one_open_key on {0}.queue_jobs (tenant_id, asset_id)"
    " where status in ('pending', 'processing')",
    "index conversion_status_history_asset_id_idx"
    " on {0}.conversion_status_history (asset_id, changed_at)",
)

GUARD = f"""
    create function {SCHEMA}.conversion_moves_on() returns trigger language plpgsql as $$
    begin
        if tg_op = 'INSERT' and new.conversion_status = 'pending' then
            return new;
        elsif tg_op = 'UPDATE' and (old.conversion_status, new.conversion_status) in (
            ('pending', 'processing'), ('processing', 'completed'), ('processing', 'failed'),
            ('failed', 'pending')
        ) then
            return new;
        end if;
        raise exception 'a conversion cannot become % from here', new.conversion_status
            using errcode = 'restrict_violation';
    end $$
"""

APPEND_ONLY = f"""
    create function {SCHEMA}.history_is_kept() returns trigger language plpgsql as $$
    begin
        raise exception 'status history is only ever added to'
            using errcode = 'restrict_violation';
    end $$
"""


def upgrade() -> None:
    """Create the tables of the schema."""
    create_outbox_and_inbox(op, SCHEMA)
    for name, columns in READ_MODELS.items():
        op.execute(
            f"create table {SCHEMA}.{name} ({TENANT}, id uuid not null,"
            f" known boolean not null default false, {columns},"
            " version bigint not null default 0, primary key (tenant_id, id))"
        )
    for table in (ASSETS, JOBS, RENDITION_TABLE, HISTORY, INCOMING):
        op.execute(table)
    for index in INDEXES:
        op.execute(f"create {index.format(SCHEMA)}")
    _guard()
    for fenced in (*READ_MODELS, "admin_media_assets", "renditions", "conversion_status_history"):
        isolate(op, SCHEMA, fenced)
    isolate(op, SCHEMA, "queue_jobs", swept=True)  # workers claim the best job of all tenants
    isolate(op, SCHEMA, "incoming", swept=True)  # what a crash left is removed for all tenants


def _guard() -> None:
    op.execute(GUARD)
    op.execute(APPEND_ONLY)
    assets, history = f"{SCHEMA}.admin_media_assets", f"{SCHEMA}.conversion_status_history"
    op.execute(
        f"create trigger begins_pending before insert on {assets}"
        f" for each row execute function {SCHEMA}.conversion_moves_on()"
    )
    op.execute(
        f"create trigger moves_on before update on {assets} for each row"
        " when (old.conversion_status is distinct from new.conversion_status)"
        f" execute function {SCHEMA}.conversion_moves_on()"
    )
    op.execute(
        f"create trigger kept before update or delete or truncate on {history}"
        f" for each statement execute function {SCHEMA}.history_is_kept()"
    )
    op.execute(f"revoke update, delete on {history} from marquee_{SCHEMA}")
    op.execute(f"revoke delete on {assets} from marquee_{SCHEMA}")
    op.execute(
        f"alter table {SCHEMA}.queue_jobs set ("
        "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )


def downgrade() -> None:
    """Drop them again."""
    for table in (
        *("conversion_status_history", "renditions", "queue_jobs", "admin_media_assets"),
        "incoming",
        *(*READ_MODELS, "inbox", "outbox"),
    ):
        op.drop_table(table, schema=SCHEMA)
    for function in ("conversion_moves_on", "history_is_kept"):
        op.execute(f"drop function {SCHEMA}.{function}")
