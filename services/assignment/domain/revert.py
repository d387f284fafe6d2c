"""Taking back what was done long ago: by new assignments, and without touching what is between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.assignment.domain.model import Assignment, Change, End, Operation
from services.assignment.domain.refusals import (
    AlreadyReverted,
    NotRevertible,
    UndoWindowOpen,
)
from services.assignment.domain.undo import (
    Holding,
    Undone,
    changed_since,
    restorable,
    take_back,
)
from shared.contracts.envelope import rfc3339


@dataclass(frozen=True, slots=True)
class Target:
    """An assignment to be reverted, with what its user had before it, and what the user has now.

    It is the one an operation gave, even if a row that an undo brought back in its name was
    asked for. If it is still standing, that is what the user has now.
    """

    holding: Holding
    current: Assignment | None

    @property
    def assignment(self) -> Assignment:
        """The assignment that is marked."""
        return self.holding.assignment

    @property
    def standing(self) -> bool:
        """Whether the user still has what it gave, by it."""
        return self.holding.standing is not None


@dataclass(frozen=True, slots=True)
class Reverted:
    """What a revert comes to: the user goes back to ``goes_back_to``, or has nothing.

    ``refused`` is the code of the refusal that stands against going back. If the user has that
    asset already, nothing ends and nothing begins.
    """

    target: Target
    goes_back_to: Assignment | None
    refused: str | None

    @property
    def settled(self) -> bool:
        """Whether the user has already what the revert leads to."""
        current = self.target.current
        wanted = self.goes_back_to.asset_id if self.goes_back_to else None
        has = current.asset_id if current else None
        return wanted == has and not self.target.standing


def revert(target: Target, *, now: datetime) -> Reverted:
    """Take back one assignment, however old: its user has again what was before it.

    Refuses one that was undone or reverted, and one that can still be undone.
    """
    assignment = target.assignment
    if assignment.reverted_at is not None:
        raise AlreadyReverted(
            f"Assignment {assignment.id} was taken back at {rfc3339(assignment.reverted_at)}.",
            reverted_at=rfc3339(assignment.reverted_at),
        )
    require_closed(assignment.undo_expires_at, assignment.asset_id, assignment.operation_id, now)
    goes_back_to, refused = restorable(target.holding.earlier, target.holding.user, now)
    return Reverted(target, goes_back_to, refused)


def carry_out(
    reverted: Reverted, by: Operation, new_id: Callable[[], UUID], reason: str | None
) -> Change:
    """The target is marked; unless the user is settled, what they have now is superseded."""
    target = reverted.target
    marked = End(target.assignment.id, target.assignment.asset_id, reverted=True)
    if reverted.settled:
        return Change(by, (marked,), (), reason)
    new = _anew(reverted.goes_back_to, target.current, by, new_id)
    ended = _merged([marked, *_superseded(target.current, new, reverted=target.standing)])
    return Change(by, ended, (new,) if new else (), reason)


def revert_all(operation: Operation, holdings: Sequence[Holding], *, now: datetime) -> Undone:
    """Take back an operation after its window, for each user who still has what it gave.

    Refuses one that can still be undone, one that was taken back, one that gave nobody anything,
    and one of which no user still has what it gave.
    """
    planned = plan_revert(operation, holdings, now=now)
    if not planned.taken_back:
        raise changed_since(planned)
    return planned


def plan_revert(operation: Operation, holdings: Sequence[Holding], *, now: datetime) -> Undone:
    """What ``revert_all`` would do now, even if that is nothing."""
    if operation.kind == "undo" or not holdings:
        raise NotRevertible(f"Operation {operation.id} has assigned nothing that could go back.")
    reverted = all(holding.assignment.reverted_at for holding in holdings)
    if operation.undone_at is not None or reverted:
        raise AlreadyReverted(f"Operation {operation.id} was taken back already.")
    require_closed(operation.undo_expires_at, operation.asset_id, operation.id, now)
    return take_back(operation, holdings, now=now)


def carry_out_all(
    undone: Undone, by: Operation, new_id: Callable[[], UUID], reason: str | None
) -> Change:
    """What is taken back is marked, and superseded by new assignments of what was before."""
    ended: list[End] = []
    begun: list[Assignment] = []
    for taken in undone.taken_back:
        new = _anew(taken.brings_back, taken.assignment, by, new_id)
        ended.append(End(taken.original.id, taken.original.asset_id, reverted=True))
        ended += _superseded(taken.assignment, new, reverted=True)
        begun += [new] if new else []
    return Change(by, _merged(ended), tuple(begun), reason)


def require_closed(
    expires_at: datetime | None, asset_id: UUID, operation_id: UUID, now: datetime
) -> None:
    """Refuse what can still be undone, saying how long and where."""
    if expires_at is None or now > expires_at:
        return
    left = (expires_at - now).total_seconds()
    raise UndoWindowOpen(
        f"This can still be undone for {math.ceil(left)} seconds; undo it instead.",
        remaining_seconds=left,
        undo_expires_at=rfc3339(expires_at),
        server_time=rfc3339(now),
        operation_id=operation_id,
        undo=f"/api/admin/assets/{asset_id}/undo-assign",
    )


def _anew(
    earlier: Assignment | None,
    current: Assignment | None,
    by: Operation,
    new_id: Callable[[], UUID],
) -> Assignment | None:
    """The asset of an earlier assignment, given by whoever reverts, now."""
    if earlier is None:
        return None
    return Assignment(
        id=new_id(),
        operation_id=by.id,
        asset_id=earlier.asset_id,
        user_id=earlier.user_id,
        previous_asset_id=current.asset_id if current else None,
        assigned_by=by.performed_by,
        assigned_at=by.performed_at,
        valid_from=by.performed_at,
        restored_from=earlier.id,
    )


def _superseded(current: Assignment | None, new: Assignment | None, *, reverted: bool) -> list[End]:
    if current is None:
        return []
    heir = new.id if new else None
    end = End(current.id, current.asset_id, superseded=True, superseded_by=heir, reverted=reverted)
    return [end]


def _merged(ends: Sequence[End]) -> tuple[End, ...]:
    """One end a row: what supersedes a row and what marks it reverted may be told twice."""
    merged = {end.id: end for end in ends if not end.superseded}
    merged |= {end.id: end for end in ends if end.superseded}
    return tuple(merged.values())
