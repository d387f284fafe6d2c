"""Loading what users have of what they were given, and what each had before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from asyncpg import Record
from sqlalchemy import ColumnElement, and_, bindparam, select

from services.assignment.domain.model import Assignment, Operation
from services.assignment.domain.undo import Earlier, Holding
from services.assignment.store.loading import (
    ASSET,
    ASSIGNMENT,
    USER,
    asset_of,
    assignment_of,
    labelled,
    user_of,
)
from services.assignment.tables import (
    active_assignments,
    asset_assignments,
    assets,
    operations,
    users,
)
from shared.db import Statement, Tx

_again = active_assignments.alias("again")
_earlier = asset_assignments.alias("earlier")


def _holdings(asked: ColumnElement[bool]) -> Statement:
    """The assignments asked for, each with its user and the row it took the place of."""
    return Statement(
        select(
            *labelled("held_", asset_assignments, ASSIGNMENT),
            *labelled("earlier_", _earlier, ASSIGNMENT),
            *labelled("asset_", assets, ASSET),
            *labelled("user_", users, USER),
        )
        .select_from(
            asset_assignments.join(users, users.c.id == asset_assignments.c.user_id)
            .outerjoin(_earlier, _earlier.c.superseded_by == asset_assignments.c.id)
            .outerjoin(assets, assets.c.id == _earlier.c.asset_id)
        )
        .where(asked)
        .order_by(asset_assignments.c.user_id)
    )


# A statement of its own: nothing tells the planner how many rows a recursion has, and joined to
# the one above it would compare each with each.
def _lives(asked: ColumnElement[bool]) -> Statement:
    """The active rows that undos have brought the assignments asked for back as.

    A row that an undo made (``restored_from``) stands for another, which may itself have been
    brought back; a row that a revert made stands for itself.
    """
    lives = (
        select(asset_assignments.c.id.label("original_id"), asset_assignments.c.id)
        .where(asked)
        .cte("lives", recursive=True)
    )
    next_life = asset_assignments.alias("next_life")
    lives = lives.union_all(
        select(lives.c.original_id, next_life.c.id)
        .join_from(lives, next_life, next_life.c.restored_from == lives.c.id)
        .join(operations, _made_by_undo(next_life.c.operation_id))
    )
    return Statement(
        select(lives.c.original_id, *labelled("again_", _again, ASSIGNMENT))
        .join_from(lives, _again, _again.c.id == lives.c.id)
        .where(lives.c.id != lives.c.original_id)
    )


def _made_by_undo(operation_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    return and_(operations.c.id == operation_id, operations.c.kind == "undo")


_by_operation = asset_assignments.c.operation_id == bindparam("operation_id")
_by_id = asset_assignments.c.id == bindparam("assignment_id")

_of_operation, _lives_of_operation = _holdings(_by_operation), _lives(_by_operation)
_of_assignment, _lives_of_assignment = _holdings(_by_id), _lives(_by_id)


async def holdings(tx: Tx, operation: Operation) -> list[Holding]:
    """What an operation gave, to whom, and what each had before; take their locks before."""
    again = _by_original(await tx.fetch(_lives_of_operation, operation_id=operation.id))
    rows = await tx.fetch(_of_operation, operation_id=operation.id)
    return [_holding(row, again) for row in rows]


async def holding(tx: Tx, assignment_id: UUID) -> Holding:
    """One assignment that an operation made; take its user's lock before."""
    again = _by_original(await tx.fetch(_lives_of_assignment, assignment_id=assignment_id))
    [row] = await tx.fetch(_of_assignment, assignment_id=assignment_id)
    return _holding(row, again)


def _by_original(rows: Iterable[Record]) -> dict[UUID, Assignment]:
    return {row["original_id"]: assignment_of(row, "again_") for row in rows}


def _holding(row: Record, again: Mapping[UUID, Assignment]) -> Holding:
    earlier = None
    if row["earlier_id"]:
        earlier = Earlier(assignment_of(row, "earlier_"), asset_of(row, row["earlier_asset_id"]))
    return Holding(
        assignment=assignment_of(row, "held_"),
        user=user_of(row, row["held_user_id"]),
        earlier=earlier,
        again=again.get(row["held_id"]),
    )


_line = (
    select(
        asset_assignments.c.id,
        asset_assignments.c.restored_from,
        asset_assignments.c.operation_id,
    )
    .where(
        asset_assignments.c.id == bindparam("assignment_id"),
        asset_assignments.c.user_id == bindparam("user_id"),
    )
    .cte("line", recursive=True)
)
_line = _line.union_all(
    select(_earlier.c.id, _earlier.c.restored_from, _earlier.c.operation_id)
    .join_from(_line, operations, _made_by_undo(_line.c.operation_id))
    .join(_earlier, _earlier.c.id == _line.c.restored_from)
)
_original = Statement(
    select(_line.c.id).join_from(
        _line,
        operations,
        and_(operations.c.id == _line.c.operation_id, operations.c.kind != "undo"),
    )
)


async def original(tx: Tx, assignment_id: UUID, user_id: UUID) -> UUID | None:
    """The assignment that one of a user's stands for: itself, unless an undo brought it back."""
    found: UUID | None = await tx.fetchval(_original, assignment_id=assignment_id, user_id=user_id)
    return found


_current = Statement(
    select(*(active_assignments.c[name] for name in ASSIGNMENT)).where(
        active_assignments.c.user_id == bindparam("user_id")
    )
)


async def current(tx: Tx, user_id: UUID) -> Assignment | None:
    """What a user has now; take the user's lock before."""
    row = await tx.fetchrow(_current, user_id=user_id)
    return Assignment(**row) if row else None
