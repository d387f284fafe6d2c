"""A schema to be idempotent with."""

from alembic import op

from shared.bus.tables import create_outbox_and_inbox
from shared.db.idempotency import create_idempotency_keys
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Lamps in rooms."""
    create_outbox_and_inbox(op, "demo")
    create_idempotency_keys(op, "demo")
    for table in ("rooms", "lamps"):
        op.execute(
            f"create table demo.{table} (tenant_id text not null default"
            " current_setting('app.tenant'), id uuid primary key, room text not null)"
        )
        isolate(op, "demo", table)
