"""Tenants that may not be used any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """All there are may be used."""
    disabled = sa.Column("disabled", sa.Boolean, nullable=False, server_default=sa.text("false"))
    op.add_column("tenants", disabled, schema="identity")


def downgrade() -> None:
    """Let all be used again."""
    op.drop_column("tenants", "disabled", schema="identity")
