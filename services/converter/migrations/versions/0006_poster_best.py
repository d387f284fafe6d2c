"""The best frame as a poster; assets of before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SCHEMA = "converter"

BEFORE = "'thumbnail', 'mp4', 'gif', 'webm'"
AFTER = f"{BEFORE}, 'poster_best'"


def upgrade() -> None:
    """Make room for it."""
    op.add_column("admin_media_assets", sa.Column("poster_best_url", sa.Text), schema=SCHEMA)
    _rule(AFTER)


def downgrade() -> None:
    """Forget the posters."""
    op.execute(f"delete from {SCHEMA}.renditions where rendition not in ({BEFORE})")  # noqa: S608
    _rule(BEFORE)
    op.drop_column("admin_media_assets", "poster_best_url", schema=SCHEMA)


def _rule(renditions: str) -> None:
    name = "renditions_rendition_check"
    op.execute(f"alter table {SCHEMA}.renditions drop constraint {name}")
    op.execute(
        f"alter table {SCHEMA}.renditions add constraint {name} check (rendition in ({renditions}))"
    )
