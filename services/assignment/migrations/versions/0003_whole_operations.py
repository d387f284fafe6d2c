"""Bulk assignments with their requests, and reverts."""

from __future__ import annotations

from alembic import op

from shared.db.tenancy import isolate

revision = "0003"
down_revision = "0002"

SCHEMA = "assignment"

OPERATIONS = f"{SCHEMA}.operations"
ASSIGNMENTS = f"{SCHEMA}.asset_assignments"

TENANT = "tenant_id text not null default current_setting('app.tenant')"

OPERATION_RULES = {
    "kind": (
        "kind in ('assign', 'undo')",
        "kind in ('assign', 'bulk_assign', 'undo', 'revert')",
    ),
    "undoes": (
        "(kind = 'undo') = (undoes is not null)",
        "case kind when 'undo' then undoes is not null"
        " when 'revert' then true else undoes is null end",
    ),
}

SUPERSEDED = (
    "(superseded_at is null) = (superseded_by is null)",
    "superseded_by is null or superseded_at is not null",
)


def upgrade() -> None:
    """Add what operations on many users need, and what reverts do."""
    op.execute(
        f"alter table {OPERATIONS} add column status text not null default 'completed',"
        " add column unchanged_count integer not null default 0,"
        " add column error text,"
        " add column retries uuid,"
        f" add foreign key (tenant_id, retries) references {OPERATIONS} (tenant_id, id),"
        " add constraint operations_status_check"
        " check (status in ('attempted', 'failed', 'completed')),"
        " add constraint operations_error_check"
        " check ((error is not null) = (status = 'failed')),"
        " add constraint operations_window_check"
        " check (status = 'completed' or (undo_expires_at is null and user_count = 0))"
    )
    for name, (_, rule) in OPERATION_RULES.items():
        _restate(OPERATIONS, f"operations_{name}_check", rule)
    _restate(ASSIGNMENTS, "asset_assignments_superseded_check", SUPERSEDED[1])
    op.execute(f"create index operations_performed_at_idx on {OPERATIONS} (performed_at, id)")
    op.execute(
        f"create index asset_assignments_restored_from_idx on {ASSIGNMENTS} (restored_from)"
        " where restored_from is not null"
    )
    _create_requests()


def _restate(table: str, name: str, rule: str) -> None:
    op.execute(f"alter table {table} drop constraint {name}, add constraint {name} check ({rule})")


def _create_requests() -> None:
    requests = f"{SCHEMA}.bulk_requests"
    op.execute(
        f"create table {requests} ({TENANT}, operation_id uuid not null,"
        " user_ids uuid[] not null, actor text not null,"
        " attempted_at timestamptz not null, settled_at timestamptz,"
        " failures jsonb not null default '[]', primary key (operation_id, tenant_id),"
        f" foreign key (tenant_id, operation_id) references {OPERATIONS} (tenant_id, id))"
    )
    op.execute(
        f"create index bulk_requests_open_idx on {requests} (attempted_at) where settled_at is null"
    )
    isolate(op, SCHEMA, "bulk_requests", swept=True)  # for tenants with attempts left behind
    op.execute(f"revoke delete on {requests} from marquee_{SCHEMA}")


def downgrade() -> None:
    """Take them away again; refused by the constraints once they were used."""
    op.drop_table("bulk_requests", schema=SCHEMA)
    op.execute(f"drop index {SCHEMA}.asset_assignments_restored_from_idx")
    op.execute(f"drop index {SCHEMA}.operations_performed_at_idx")
    _restate(ASSIGNMENTS, "asset_assignments_superseded_check", SUPERSEDED[0])
    for name, (rule, _) in OPERATION_RULES.items():
        _restate(OPERATIONS, f"operations_{name}_check", rule)
    op.execute(
        f"alter table {OPERATIONS} drop column status cascade, drop column unchanged_count,"
        " drop column error, drop column retries"
    )
