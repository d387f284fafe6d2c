"""Leaves get a colour, and those of before have the usual one."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Paint them."""
    op.execute("alter table demo.leaves add column colour text not null default 'green'")
