"""Assets that were deleted, and are there again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Remember which word of it was the newest: deletions and restorations may change places."""
    column = sa.Column("presence_version", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("assets", column, schema="assignment")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("assets", "presence_version", schema="assignment")
