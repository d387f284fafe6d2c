"""What people and programs sign in with: sessions, API keys, tickets for WebSockets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.db.tenancy import isolate

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables; the gateway asks of all tenants at once, so all of them are swept."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column(
            "user_id",
            sa.Uuid,
            sa.ForeignKey("identity.users.id", ondelete="cascade"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        schema="identity",
    )
    op.create_index("sessions_of_user", "sessions", ["user_id"], schema="identity")
    op.create_index("sessions_expiry", "sessions", ["expires_at"], schema="identity")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("role in ('user', 'admin')", name="api_keys_role"),
        sa.CheckConstraint("length(digest) = 32", name="api_keys_digest"),
        schema="identity",
    )
    op.create_index(
        "api_keys_newest", "api_keys", ["tenant_id", "created_at", "id"], schema="identity"
    )
    op.create_table(
        "tickets",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("credential_id", sa.Uuid, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(digest) = 32", name="tickets_digest"),
        schema="identity",
    )
    op.create_index("tickets_expiry", "tickets", ["expires_at"], schema="identity")
    for table in ("sessions", "api_keys", "tickets"):
        isolate(op, "identity", table, swept=True)


def downgrade() -> None:
    """Drop them again."""
    for table in ("tickets", "api_keys", "sessions"):
        op.drop_table(table, schema="identity")
