"""Tenants and users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.bus.tables import create_outbox_and_inbox
from shared.db.tenancy import isolate

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables of the schema."""
    create_outbox_and_inbox(op, "identity")
    op.create_table(
        "tenants",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        schema="identity",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, sa.ForeignKey("identity.tenants.id"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('user', 'admin')", name="users_role"),
        schema="identity",
    )
    op.create_index(
        "users_email", "users", [sa.text("lower(email)")], unique=True, schema="identity"
    )
    op.create_index("users_newest", "users", ["tenant_id", "created_at", "id"], schema="identity")
    isolate(op, "identity", "users", swept=True)  # signing in finds a person before the tenant


def downgrade() -> None:
    """Drop them again."""
    for table in ("users", "tenants", "inbox", "outbox"):
        op.drop_table(table, schema="identity")
