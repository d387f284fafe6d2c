"""A schema to try the door with."""

from alembic import op

from shared.db.tenancy import isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Things of tenants, sweeps over all tenants, and an outbox."""
    for table in ("things", "sweeps"):
        op.execute(
            f"create table demo.{table} (tenant_id text not null, id uuid not null, note text, "
            "made_at timestamptz not null default clock_timestamp(), primary key (tenant_id, id))"
        )
    op.execute(
        "create table demo.outbox (seq bigint generated always as identity primary key, "
        "id uuid not null unique, type text not null, aggregateid text not null, "
        "headers bytea not null, payload bytea not null, "
        "created_at timestamptz not null default clock_timestamp())"
    )
    isolate(op, "demo", "things")
    isolate(op, "demo", "sweeps", swept=True)
