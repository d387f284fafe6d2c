"""Assignments, the operations that make them, and what is known of people and assets."""

from __future__ import annotations

from alembic import op

from shared.bus.tables import create_outbox_and_inbox
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None

SCHEMA = "assignment"

TENANT = "tenant_id text not null default current_setting('app.tenant')"

READ_MODELS = {
    "users": "email text, name text, disabled boolean not null default false",
    "admins": "email text, name text",
    "assets": "title text, filename text, status text, deleted_at timestamptz",
}


def references(column: str, target: str) -> str:
    """A reference that cannot cross tenants."""
    return f"foreign key (tenant_id, {column}) references {SCHEMA}.{target} (tenant_id, id)"


OPERATIONS = f"""
    create table {SCHEMA}.operations (
        {TENANT},
        id uuid not null,
        kind text not null,
        asset_id uuid not null,
        performed_by uuid not null,
        performed_at timestamptz not null,
        user_count integer not null,
        undo_expires_at timestamptz,
        undoes uuid,
        undone_at timestamptz,
        undone_by uuid,
        primary key (id, tenant_id),
        {references("asset_id", "assets")},
        {references("performed_by", "admins")},
        {references("undone_by", "admins")},
        {references("undoes", "operations")},
        constraint operations_kind_check check (kind in ('assign', 'undo')),
        constraint operations_undoes_check check ((kind = 'undo') = (undoes is not null)),
        constraint operations_undone_check check ((undone_at is null) = (undone_by is null))
    )
"""

ASSIGNMENTS = f"""
    create table {SCHEMA}.asset_assignments (
        id uuid primary key,
        {TENANT},
        operation_id uuid not null,
        asset_id uuid not null,
        user_id uuid not null,
        previous_asset_id uuid,
        assigned_by uuid not null,
        assigned_at timestamptz not null,
        valid_from timestamptz not null,
        undo_expires_at timestamptz,
        restored_from uuid references {SCHEMA}.asset_assignments,
        superseded_at timestamptz,
        superseded_by uuid references {SCHEMA}.asset_assignments,
        reverted_at timestamptz,
        reverted_by uuid,
        revert_reason text,
        {references("operation_id", "operations")},
        {references("asset_id", "assets")},
        {references("user_id", "users")},
        {references("previous_asset_id", "assets")},
        {references("assigned_by", "admins")},
        {references("reverted_by", "admins")},
        constraint asset_assignments_superseded_check
            check ((superseded_at is null) = (superseded_by is null)),
        constraint asset_assignments_reverted_check
            check ((reverted_at is null) = (reverted_by is null)),
        constraint asset_assignments_revert_reason_check
            check (revert_reason is null or reverted_at is not null),
        constraint asset_assignments_restored_check
            check (restored_from is null or undo_expires_at is null)
    )
"""

ACTIVE = "superseded_at is null and reverted_at is null"

# These and the primary keys begin with ids, which are unique across tenants and tell rows apart: an
# index that begins with the tenant looks useful under its policy to every query, and is to none.
INDEXES = (
    "index operations_undoable_idx on {0}.operations (asset_id, performed_at)"
    " where undone_at is null and undo_expires_at is not null",
    "unique index asset_assignments_one_active_key on {0}.asset_assignments (user_id, tenant_id)"
    f" where {ACTIVE}",
    "index asset_assignments_holders_idx"
    " on {0}.asset_assignments (asset_id, assigned_at)"
    f" where {ACTIVE}",
    "unique index asset_assignments_superseded_by_key on {0}.asset_assignments (superseded_by)"
    " where superseded_by is not null",
    "index asset_assignments_user_id_idx on {0}.asset_assignments (user_id, valid_from)",
    "index asset_assignments_asset_id_idx on {0}.asset_assignments (asset_id, valid_from)",
    "index asset_assignments_assigned_at_idx on {0}.asset_assignments (assigned_at)",
    "index asset_assignments_operation_id_idx on {0}.asset_assignments (operation_id)",
)

# With the rights and the tenant of whoever asks, not of its owner.
ACTIVE_ASSIGNMENTS = f"""
    create view {SCHEMA}.active_assignments with (security_invoker = true) as
        select * from {SCHEMA}.asset_assignments where {ACTIVE}
"""  # noqa: S608 - constants

# Compares whole rows with the columns that may change set back, so that a column added later is
# protected without anybody thinking of it.
ENDS_ONCE = f"""
    create function {SCHEMA}.assignments_end_once() returns trigger language plpgsql as $$
    declare
        before {SCHEMA}.asset_assignments := new;
    begin
        before.superseded_at := null;
        before.superseded_by := null;
        before.reverted_at := null;
        before.reverted_by := null;
        before.revert_reason := null;
        if old.superseded_at is not null then
            before.superseded_at := new.superseded_at;
            before.superseded_by := new.superseded_by;
        end if;
        if old.reverted_at is not null then
            before.reverted_at := new.reverted_at;
            before.reverted_by := new.reverted_by;
            before.revert_reason := new.revert_reason;
        end if;
        if before is distinct from old then
            raise exception 'an assignment only ever ends, and only once'
                using errcode = 'restrict_violation';
        end if;
        return new;
    end $$
"""

NEVER_DELETED = f"""
    create function {SCHEMA}.assignments_are_kept() returns trigger language plpgsql as $$
    begin
        raise exception 'an assignment is never deleted' using errcode = 'restrict_violation';
    end $$
"""


def upgrade() -> None:
    """Create the tables of the schema."""
    create_outbox_and_inbox(op, SCHEMA)
    for name, columns in READ_MODELS.items():
        op.execute(
            f"create table {SCHEMA}.{name} ({TENANT}, id uuid not null,"
            f" known boolean not null default false, {columns},"
            " version bigint not null default 0, primary key (id, tenant_id))"
        )
    op.execute(OPERATIONS)
    op.execute(ASSIGNMENTS)
    for index in INDEXES:
        op.execute(f"create {index.format(SCHEMA)}")
    op.execute(ACTIVE_ASSIGNMENTS)
    _create_projection()
    _guard_assignments()
    for table in (*READ_MODELS, "operations", "asset_assignments", "asset_states"):
        isolate(op, SCHEMA, table)
    isolate(op, SCHEMA, "dirty_assets", swept=True)  # the projector looks for tenants with marks


def _create_projection() -> None:
    op.execute(
        f"create table {SCHEMA}.dirty_assets ({TENANT},"
        " seq bigint generated always as identity, asset_id uuid not null,"
        " primary key (tenant_id, seq))"
        " with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )
    op.execute(
        f"create table {SCHEMA}.asset_states ({TENANT}, asset_id uuid not null,"
        f" version bigint not null, primary key (asset_id, tenant_id),"
        f" {references('asset_id', 'assets')})"
    )


def _guard_assignments() -> None:
    table = f"{SCHEMA}.asset_assignments"
    op.execute(ENDS_ONCE)
    op.execute(NEVER_DELETED)
    op.execute(
        f"create trigger ends_once before update on {table}"
        f" for each row execute function {SCHEMA}.assignments_end_once()"
    )
    op.execute(
        f"create trigger kept before delete or truncate on {table}"
        f" for each statement execute function {SCHEMA}.assignments_are_kept()"
    )
    for records in ("asset_assignments", "operations"):
        op.execute(f"revoke delete on {SCHEMA}.{records} from marquee_{SCHEMA}")


def downgrade() -> None:
    """Drop them again."""
    op.execute(f"drop view {SCHEMA}.active_assignments")
    for table in (
        *("asset_states", "dirty_assets", "asset_assignments", "operations"),
        *(*READ_MODELS, "inbox", "outbox"),
    ):
        op.drop_table(table, schema=SCHEMA)
    op.execute(f"drop function {SCHEMA}.assignments_end_once")
    op.execute(f"drop function {SCHEMA}.assignments_are_kept")
