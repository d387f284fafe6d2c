"""Give a user an asset."""

from __future__ import annotations

from uuid import UUID

from services.assignment import store
from services.assignment.commands.telling import assigned
from services.assignment.domain import assign as rule
from services.assignment.domain.assign import Assigned, Unchanged
from shared.contracts.assignment import OperationCompleted
from shared.db import Tx


async def assign(tx: Tx, *, asset_id: UUID, user_id: UUID) -> Assigned | Unchanged:
    """Give a user an asset, in place of what the user has; ``tx`` holds the user's lock.

    Refuses an asset or user that is unknown, an asset that is not completed, a disabled user.
    """
    situation = await store.situation(tx, asset_id, user_id)
    decided = rule.assign(
        situation.asset,
        situation.user,
        situation.current,
        assignment_id=tx.new_id(),
        operation_id=tx.new_id(),
        assigned_by=tx.context.actor.principal,
        now=situation.now,
    )
    if isinstance(decided, Assigned):
        _tell(tx, decided)
        await store.save_assigned(tx, decided)
    return decided


def _tell(tx: Tx, given: Assigned) -> None:
    operation = given.operation
    tx.emit(assigned(given.assignment))
    tx.emit(
        OperationCompleted(
            operation_id=operation.id,
            kind=operation.kind,
            user_count=operation.user_count,
            asset_id=operation.asset_id,
        )
    )
