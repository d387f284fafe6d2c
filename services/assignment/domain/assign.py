"""Giving a user an asset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.assignment.domain.model import Asset, Assignment, Operation, User, obstacle

UNDO_WINDOW = timedelta(seconds=30)
"""How long an assignment can be undone; the last microsecond counts."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The user has the asset from now on; ``superseded`` is what it takes the place of."""

    operation: Operation
    assignment: Assignment
    superseded: Assignment | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The user has the asset already: nothing happens, and no undo window opens."""

    assignment: Assignment


def assign(
    asset: Asset,
    user: User,
    current: Assignment | None,
    *,
    assignment_id: UUID,
    operation_id: UUID,
    assigned_by: UUID,
    now: datetime,
) -> Assigned | Unchanged:
    """Give a user an asset in place of the ``current`` one.

    Refuses an asset or user that is unknown, an asset that is not completed, a disabled user.
    """
    if refusal := obstacle(asset, user, now):
        raise refusal
    if current is not None and current.asset_id == asset.id:
        return Unchanged(current)
    operation = Operation(
        id=operation_id,
        kind="assign",
        asset_id=asset.id,
        performed_by=assigned_by,
        performed_at=now,
        user_count=1,
        undo_expires_at=now + UNDO_WINDOW,
        user_id=user.id,
    )
    assignment = _begun(operation, assignment_id, user, current)
    return Assigned(operation, assignment, superseded=current)


def _begun(operation: Operation, ident: UUID, user: User, current: Assignment | None) -> Assignment:
    """What an operation gives a user, from the moment in which it was performed."""
    return Assignment(
        id=ident,
        operation_id=operation.id,
        asset_id=operation.asset_id,
        user_id=user.id,
        previous_asset_id=current.asset_id if current else None,
        assigned_by=operation.performed_by,
        assigned_at=operation.performed_at,
        valid_from=operation.performed_at,
        undo_expires_at=operation.undo_expires_at,
    )
