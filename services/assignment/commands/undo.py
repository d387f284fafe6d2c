"""Take back what was just done to an asset."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.assignment import store
from services.assignment.commands.telling import tell_taken_back
from services.assignment.domain import undo as rule
from services.assignment.domain.model import Operation, missing
from services.assignment.domain.refusals import NothingToUndo
from services.assignment.domain.undo import Undone
from shared.contracts.refusal import Refusal
from shared.db import Tx


async def undo(
    tx: Tx,
    *,
    asset_id: UUID,
    operation_id: UUID | None = None,
    assignment_id: UUID | None = None,
) -> Undone:
    """Undo the newest operation on an asset that was not undone yet, or the one that is named.

    The operation is found first and judged again once its users are locked: of two calls that
    undo the same, the second is refused. Refuses an unknown asset, an operation that is not there
    or is undone, one whose window is over, and one of which no user has what it gave any more.
    """
    found = await store.undoable(
        tx, asset_id, operation_id=operation_id, assignment_id=assignment_id
    )
    if not found:
        raise await _nothing(tx, asset_id)
    return await _undo(tx, found[0], found[1:])


async def undo_operation(tx: Tx, operation_id: UUID, *, dry_run: bool = False) -> Undone:
    """Undo an operation, or with ``dry_run`` only find out what that would come to.

    Refuses what ``undo`` refuses; a dry run does not mind that there is nobody left to take from.
    """
    operation = await store.operation(tx, operation_id)
    if not dry_run:
        return await _undo(tx, operation)
    holdings = await store.holdings(tx, operation)
    return rule.plan_undo(operation, holdings, now=await tx.now())


async def _nothing(tx: Tx, asset_id: UUID) -> Refusal:
    asset = await store.asset(tx, asset_id)
    return missing(asset, await tx.now()) or NothingToUndo(
        f"There is no such operation on asset {asset_id} left to undo."
    )


async def _undo(tx: Tx, found: Operation, others: Sequence[Operation] = ()) -> Undone:
    now = await store.lock_users_of(tx, found)
    operation = await store.operation(tx, found.id)
    undone = rule.undo(operation, await store.holdings(tx, operation), others=others, now=now)
    by = Operation(
        id=tx.new_id(),
        kind="undo",
        asset_id=operation.asset_id,
        performed_by=tx.context.actor.principal,
        performed_at=now,
        user_count=len(undone.taken_back),
        undoes=operation.id,
        user_id=undone.sole_user,
    )
    change = rule.carry_out(undone, by, tx.new_id)
    tell_taken_back(tx, undone, change, "undo")
    await store.save_change(tx, change)
    return undone
