"""Two more deeds: a conversion that a person started again, and an asset that was deleted."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

TABLE = "audit.assignment_history"

CONSTRAINT = "assignment_history_of_asset"
COMPLETE = "(user_id is null and num_nulls(asset_id, metadata) = 0)"
BEFORE = "'conversion_status_changed', 'asset_uploaded'"
AFTER = "'conversion_status_changed', 'retried', 'asset_uploaded', 'asset_deleted'"


def upgrade() -> None:
    """They too name the asset, and say what of it changed."""
    _rule(AFTER)


def downgrade() -> None:
    """Ask this of the earlier deeds alone."""
    _rule(BEFORE)


def _rule(actions: str) -> None:
    op.execute(f"alter table {TABLE} drop constraint {CONSTRAINT}")
    op.execute(
        f"alter table {TABLE} add constraint {CONSTRAINT}"
        f" check (action not in ({actions}) or {COMPLETE})"
    )
