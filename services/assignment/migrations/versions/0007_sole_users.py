"""Operations that are about one user tell whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Older ones do not tell. No reference: what is asked for may name somebody who is unknown."""
    op.add_column("operations", sa.Column("user_id", sa.Uuid), schema="assignment")


def downgrade() -> None:
    """Forget it."""
    op.drop_column("operations", "user_id", schema="assignment")
