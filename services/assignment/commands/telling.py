"""The events of what was done to many users, or taken back from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar
from uuid import UUID

from services.assignment.domain.model import Assignment, Change
from services.assignment.domain.undo import TakenBack, Undone
from shared.contracts.assignment import (
    MOST_IN_ONE,
    AssetAssigned,
    AssetBulkAssigned,
    AssetBulkTakenBack,
    AssetReverted,
    AssetUnassigned,
    OperationCompleted,
    OperationUndone,
)
from shared.db import Tx

T = TypeVar("T")

Cause = Literal["undo", "revert"]


def tell_bulk(tx: Tx, change: Change) -> None:
    """Tell each user's assignment, in chunks, and the operation."""
    operation = change.operation
    for some in _chunks(change.begun):
        tx.emit(
            AssetBulkAssigned(
                operation_id=operation.id,
                asset_id=operation.asset_id,
                assigned=tuple(map(assigned, some)),
            )
        )
    tx.emit(
        OperationCompleted(
            operation_id=operation.id,
            kind=operation.kind,
            user_count=operation.user_count,
            asset_id=operation.asset_id,
            unchanged_count=operation.unchanged_count,
            retries=operation.retries,
        )
    )


def tell_taken_back(tx: Tx, undone: Undone, change: Change, cause: Cause) -> None:
    """Tell what was taken from each user and what they have instead, and of the operation.

    In chunks, if the operation was one on many users.
    """
    what, by = undone.operation, change.operation
    bulk = what.kind == "bulk_assign" or what.user_count > 1
    begun = {assignment.user_id: assignment for assignment in change.begun}
    for some in _chunks(undone.taken_back):
        chunk = _chunk(some, change, begun, cause)
        for told in [chunk] if bulk else chunk.facts():
            tx.emit(told)
    tx.emit(
        OperationUndone(
            operation_id=what.id,
            kind=what.kind,
            user_count=by.user_count,
            asset_id=what.asset_id,
            cause=cause,
            by_operation_id=by.id,
            reason=change.reason,
            bulk=bulk,
        )
    )


def assigned(assignment: Assignment) -> AssetAssigned:
    """A user has an asset from now on."""
    return AssetAssigned(
        assignment_id=assignment.id,
        operation_id=assignment.operation_id,
        asset_id=assignment.asset_id,
        user_id=assignment.user_id,
        previous_asset_id=assignment.previous_asset_id,
        undo_expires_at=assignment.undo_expires_at,
        restored_from=assignment.restored_from,
    )


def reverted(
    taken: Assignment, change: Change, restored: UUID | None, refused: str | None
) -> AssetReverted:
    """An assignment was taken back after its window."""
    return AssetReverted(
        assignment_id=taken.id,
        operation_id=change.operation.id,
        asset_id=taken.asset_id,
        user_id=taken.user_id,
        previous_asset_id=taken.previous_asset_id,
        restored_asset_id=restored,
        restore_refused=refused,
        reason=change.reason,
    )


def _chunk(
    taken_back: Sequence[TakenBack], change: Change, begun: dict[UUID, Assignment], cause: Cause
) -> AssetBulkTakenBack:
    reverts = cause == "revert"
    again = [begun.get(taken.assignment.user_id) for taken in taken_back]
    return AssetBulkTakenBack(
        operation_id=change.operation.id,
        asset_id=change.operation.asset_id,
        unassigned=tuple(
            _unassigned(taken, change, new, cause)
            for taken, new in zip(taken_back, again, strict=True)
            if new is None or not reverts
        ),
        reverted=tuple(
            reverted(taken.original, change, new.asset_id if new else None, taken.refused)
            for taken, new in zip(taken_back, again, strict=True)
            if reverts
        ),
        assigned=tuple(assigned(new) for new in again if new),
    )


def _unassigned(
    taken: TakenBack, change: Change, new: Assignment | None, cause: Cause
) -> AssetUnassigned:
    ended = taken.assignment
    return AssetUnassigned(
        assignment_id=ended.id,
        operation_id=change.operation.id,
        asset_id=ended.asset_id,
        user_id=ended.user_id,
        previous_asset_id=ended.previous_asset_id,
        restored_asset_id=new.asset_id if new else None,
        restore_refused=taken.refused,
        cause=cause,
        original_id=taken.original.id if taken.original.id != ended.id else None,
    )


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), MOST_IN_ONE):
        yield items[start : start + MOST_IN_ONE]
