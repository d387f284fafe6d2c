"""Taking back what was just done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.assignment.domain.model import (
    Asset,
    Assignment,
    Change,
    End,
    Operation,
    User,
    obstacle,
    sole,
)
from services.assignment.domain.refusals import ChangedSince, NothingToUndo, UndoWindowExpired
from shared.contracts.envelope import rfc3339


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a user had before: the assignment, and the asset as it is today."""

    assignment: Assignment
    asset: Asset


@dataclass(frozen=True, slots=True)
class Holding:
    """One assignment that an operation made, its user, and what the user had before.

    If it was replaced, and an undo of that brought it back, ``again`` is what it is now.
    """

    assignment: Assignment
    user: User
    earlier: Earlier | None
    again: Assignment | None = None

    @property
    def standing(self) -> Assignment | None:
        """The assignment by which the user still has what the operation gave, if so."""
        if self.assignment.reverted_at is not None:
            return None
        return self.assignment if self.assignment.active else self.again


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An assignment that ends; ``brings_back`` is the earlier one that takes its place again.

    ``refused`` is the code of the refusal that stands against bringing the earlier one back.
    ``original`` is what the operation gave: another row, if that had been brought back.
    """

    original: Assignment
    assignment: Assignment
    brings_back: Assignment | None
    refused: str | None


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing or reverting an operation comes to; ``skipped`` users have something newer.

    ``others`` are the operations on the same asset that could be undone as well.
    """

    operation: Operation
    taken_back: tuple[TakenBack, ...]
    skipped: tuple[Assignment, ...]
    others: tuple[Operation, ...] = ()

    @property
    def sole_user(self) -> UUID | None:
        """Whom it is about, if it is one user."""
        return sole([taken.assignment.user_id for taken in self.taken_back])


def undo(
    operation: Operation,
    holdings: Sequence[Holding],
    *,
    others: Sequence[Operation] = (),
    now: datetime,
) -> Undone:
    """Take back an operation, for each user who still has what it gave.

    Refuses an operation that was undone or never can be, one whose window is over, and one of
    which no user still has what it gave.
    """
    planned = plan_undo(operation, holdings, others=others, now=now)
    if not planned.taken_back:
        raise changed_since(planned)
    return planned


def plan_undo(
    operation: Operation,
    holdings: Sequence[Holding],
    *,
    others: Sequence[Operation] = (),
    now: datetime,
) -> Undone:
    """What ``undo`` would do now, even if that is nothing."""
    if operation.undone_at is not None or operation.undo_expires_at is None:
        raise NothingToUndo(f"Operation {operation.id} has nothing left to undo.")
    if now > operation.undo_expires_at:
        raise _too_late(operation.undo_expires_at, now)
    undoable = tuple(other for other in others if other.undoable(now))
    return take_back(operation, holdings, others=undoable, now=now)


def take_back(
    operation: Operation,
    holdings: Sequence[Holding],
    *,
    others: tuple[Operation, ...] = (),
    now: datetime,
) -> Undone:
    """Who goes back to what they had before, and who is left alone."""
    return Undone(
        operation,
        taken_back=tuple(
            _take_back(holding, standing, now)
            for holding in holdings
            if (standing := holding.standing)
        ),
        skipped=tuple(holding.assignment for holding in holdings if not holding.standing),
        others=others,
    )


def carry_out(undone: Undone, by: Operation, new_id: Callable[[], UUID]) -> Change:
    """The end of what is taken back, and what was there before again, as if nothing had come."""
    begun = tuple(
        taken.brings_back.brought_back(ident=new_id(), operation_id=by.id, now=by.performed_at)
        for taken in undone.taken_back
        if taken.brings_back
    )
    return Change(by, tuple(end for taken in undone.taken_back for end in _ends(taken)), begun)


def changed_since(undone: Undone) -> ChangedSince:
    """The refusal of what has no user left to take anything back from."""
    return ChangedSince(
        "Every user of this operation has been given something else since.",
        operation_id=undone.operation.id,
        other_operations=[other.id for other in undone.others],
    )


def _ends(taken: TakenBack) -> list[End]:
    """The row a user has, and the one it stands for, which was superseded long ago."""
    rows = {row.id: row for row in (taken.original, taken.assignment)}
    return [End(row.id, row.asset_id, reverted=True) for row in rows.values()]


def _too_late(expired_at: datetime, now: datetime) -> UndoWindowExpired:
    return UndoWindowExpired(
        f"The operation could be undone until {rfc3339(expired_at)}.",
        undo_expires_at=rfc3339(expired_at),
        server_time=rfc3339(now),
    )


def _take_back(holding: Holding, standing: Assignment, now: datetime) -> TakenBack:
    brings_back, refused = restorable(holding.earlier, holding.user, now)
    return TakenBack(holding.assignment, standing, brings_back, refused)


def restorable(
    earlier: Earlier | None, user: User, now: datetime
) -> tuple[Assignment | None, str | None]:
    """What a user can have again, or the code of the refusal that stands against it."""
    if earlier is None:
        return None, None
    if refusal := obstacle(earlier.asset, user, now):
        return None, refusal.code
    return earlier.assignment, None
