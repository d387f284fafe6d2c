"""Checkpoints of the chains, and what their Merkle trees are made from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.tenancy import isolate

revision = "0002"
down_revision = "0001"

_APPEND_ONLY = ("chains", "history_blocks", "checkpoints")


def upgrade() -> None:
    """Create the tables, and let the notary see which chains have grown."""
    _create_chains()
    _create_blocks()
    _create_checkpoints()
    isolate(op, "audit", "chains", swept=True)
    isolate(op, "audit", "history_blocks")
    isolate(op, "audit", "checkpoints", swept=True)
    op.execute(
        "create policy sweeper on audit.history_seals for select"
        " using (current_setting('app.tenant', true) = '*')"
    )
    op.execute("select set_config('app.tenant', '*', true)")
    op.execute("insert into audit.chains select distinct tenant_id from audit.history_seals")
    _refuse_changes()
    _admit_new_actions()


def _create_chains() -> None:
    op.create_table("chains", sa.Column("tenant_id", sa.Text, primary_key=True), schema="audit")


def _create_blocks() -> None:
    op.create_table(
        "history_blocks",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "block"),
        sa.CheckConstraint("octet_length(root) = 32", name="history_blocks_sha256"),
        schema="audit",
    )


def _create_checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "size"),
        sa.CheckConstraint("size > 0", name="checkpoints_size"),
        schema="audit",
    )


def _refuse_changes() -> None:
    for table in _APPEND_ONLY:
        op.execute(f"revoke update, delete, truncate on audit.{table} from marquee_audit")
        op.execute(
            f"create trigger append_only before update or delete or truncate on audit.{table}"
            " for each statement execute function audit.refuse_change()"
        )


def _admit_new_actions() -> None:
    """Which actions there are is said once, in the domain."""
    table = "alter table audit.assignment_history"
    op.execute(f"{table} drop constraint assignment_history_action")
    op.execute(f"{table} add constraint assignment_history_action check (action ~ '^[a-z_]+$')")


def downgrade() -> None:
    """Drop them again."""
    op.execute("drop policy sweeper on audit.history_seals")
    for table in reversed(_APPEND_ONLY):
        op.drop_table(table, schema="audit")
