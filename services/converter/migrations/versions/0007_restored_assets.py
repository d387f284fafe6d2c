"""Assets that were deleted, and are there again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Remember the version that the last restoration made: what was asked before is void."""
    column = sa.Column("restored_version", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("admin_media_assets", column, schema="converter")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("admin_media_assets", "restored_version", schema="converter")
