"""Take back what was done long ago."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from services.assignment import store
from services.assignment.commands import telling
from services.assignment.domain import revert as rule
from services.assignment.domain.model import Assignment, Change, Operation, unfit
from services.assignment.domain.refusals import AssignmentNotFound
from services.assignment.domain.revert import Reverted, Target
from services.assignment.domain.undo import Undone
from shared.contracts.assignment import AssetUnassigned, OperationCompleted
from shared.db import Tx


class Outcome(NamedTuple):
    """What a revert comes to, and what its user has from now on; what only might be has no id."""

    reverted: Reverted
    operation_id: UUID | None
    assignment: Assignment | None


async def revert(
    tx: Tx,
    *,
    user_id: UUID,
    assignment_id: UUID,
    reason: str | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Give a user again what they had before an assignment; ``tx`` holds the user's lock.

    With ``dry_run`` only find out what that would come to. Refuses an assignment the user never
    had, one that was taken back already, and one that can still be undone.
    """
    target = await _target(tx, user_id, assignment_id)
    now = await tx.now()
    reverted = rule.revert(target, now=now)
    if dry_run:
        return Outcome(reverted, None, target.current if reverted.settled else None)
    by = Operation(
        id=tx.new_id(),
        kind="revert",
        asset_id=target.assignment.asset_id,
        performed_by=tx.context.actor.principal,
        performed_at=now,
        user_count=1,
        user_id=user_id,
    )
    change = rule.carry_out(reverted, by, tx.new_id, reason)
    _tell(tx, reverted, change)
    await store.save_change(tx, change)
    has = target.current if reverted.settled else next(iter(change.begun), None)
    return Outcome(reverted, by.id, has)


async def revert_operation(
    tx: Tx, operation_id: UUID, *, reason: str | None = None, dry_run: bool = False
) -> Undone:
    """Revert an operation for all who still have what it gave; ``dry_run`` as with an undo.

    Refuses an unknown operation, one that gave nobody anything or was taken back already, one
    that can still be undone, and one of which no user has what it gave any more.
    """
    found = await store.operation(tx, operation_id)
    if dry_run:
        holdings = await store.holdings(tx, found)
        return rule.plan_revert(found, holdings, now=await tx.now())
    now = await store.lock_users_of(tx, found)
    operation = await store.operation(tx, operation_id)
    undone = rule.revert_all(operation, await store.holdings(tx, operation), now=now)
    by = Operation(
        id=tx.new_id(),
        kind="revert",
        asset_id=operation.asset_id,
        performed_by=tx.context.actor.principal,
        performed_at=now,
        user_count=len(undone.taken_back),
        undoes=operation.id,
        user_id=undone.sole_user,
    )
    change = rule.carry_out_all(undone, by, tx.new_id, reason)
    telling.tell_taken_back(tx, undone, change, "revert")
    await store.save_change(tx, change)
    return undone


async def _target(tx: Tx, user_id: UUID, assignment_id: UUID) -> Target:
    original = await store.original(tx, assignment_id, user_id)
    if original is None:
        user = await store.user(tx, user_id)
        if not user.known and (unknown := unfit(user, await tx.now())):
            raise unknown
        raise AssignmentNotFound(f"User {user_id} has never had an assignment {assignment_id}.")
    return Target(await store.holding(tx, original), await store.current(tx, user_id))


def _tell(tx: Tx, reverted: Reverted, change: Change) -> None:
    target, by = reverted.target, change.operation
    new = next(iter(change.begun), None)
    has = target.current if reverted.settled else new
    tx.emit(
        telling.reverted(target.assignment, change, has.asset_id if has else None, reverted.refused)
    )
    if new:
        tx.emit(telling.assigned(new))
    elif target.current and not reverted.settled:
        tx.emit(_unassigned(target.current, change, reverted.refused))
    tx.emit(
        OperationCompleted(
            operation_id=by.id, kind=by.kind, user_count=by.user_count, asset_id=by.asset_id
        )
    )


def _unassigned(ended: Assignment, change: Change, refused: str | None) -> AssetUnassigned:
    return AssetUnassigned(
        assignment_id=ended.id,
        operation_id=change.operation.id,
        asset_id=ended.asset_id,
        user_id=ended.user_id,
        previous_asset_id=ended.previous_asset_id,
        restore_refused=refused,
        cause="revert",
    )
