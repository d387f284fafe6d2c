"""Entries of operations on many users, which have no single user."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

TABLE = "audit.assignment_history"

_ONE_USER = "num_nulls(user_id, asset_id, assignment_id, operation_id) = 0"

RULES = {
    "of_assignment": (
        f"action not in ('assigned', 'undone', 'reverted') or {_ONE_USER}",
        f"action not in ('assigned', 'undone', 'reverted') or {_ONE_USER}"
        " or (action <> 'assigned' and num_nonnulls(user_id, assignment_id) = 0"
        " and num_nulls(asset_id, operation_id, metadata) = 0)",
    ),
    "of_operation": (
        "action <> 'bulk_assigned' or num_nulls(asset_id, operation_id) = 0",
        "action not in ('bulk_assigned', 'bulk_attempt_failed')"
        " or num_nulls(asset_id, operation_id, metadata) = 0",
    ),
}


def upgrade() -> None:
    """Let entries of whole operations in."""
    for name, (_, rule) in RULES.items():
        _restate(name, rule)


def _restate(name: str, rule: str) -> None:
    constraint = f"assignment_history_{name}"
    op.execute(
        f"alter table {TABLE} drop constraint {constraint},"
        f" add constraint {constraint} check ({rule})"
    )


def downgrade() -> None:
    """Keep them out again; refused once there are some."""
    for name, (rule, _) in RULES.items():
        _restate(name, rule)
