"""Saving what was decided: one statement a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from services.assignment.domain.assign import Assigned
from services.assignment.domain.model import Assignment, Change, Operation
from services.assignment.tables import (
    admins,
    asset_assignments,
    assets,
    dirty_assets,
    operations,
    outbox,
)
from shared.db import Statement, Tx

_ASSIGNMENT = tuple(field.name for field in fields(Assignment))
_OPERATION = tuple(field.name for field in fields(Operation))
_BEGUN = _ASSIGNMENT[: _ASSIGNMENT.index("superseded_at")]
"""What is written when an assignment begins; the rest is written once, when it ends."""

new_admin = (
    pg_insert(admins)
    .values(id=bindparam("performed_by"))
    .on_conflict_do_nothing()
    .returning(admins.c.id)
    .cte("admin")
)
"""Makes a stub of an administrator whose own event has not arrived."""

new_operation = (
    insert(operations)
    .values({name: bindparam(name) for name in _OPERATION} | {"id": bindparam("operation_id")})
    .returning(operations.c.id)
    .cte("operation")
)

_marks = (
    insert(dirty_assets)
    .from_select(["asset_id"], select(func.unnest(bindparam("dirty", type_=ARRAY(Uuid)))))
    .returning(dirty_assets.c.seq)
    .cte("marks")
)


def operation_values(operation: Operation) -> dict[str, Any]:
    """The parameters of ``new_operation``."""
    return {
        "operation_id" if name == "id" else name: getattr(operation, name) for name in _OPERATION
    }


# In both statements below the insert reads from the update: otherwise their order is undefined,
# and a user might have two active assignments for a moment, which the unique index refuses.

_superseded = (
    update(asset_assignments)
    .where(asset_assignments.c.id == bindparam("superseded_id"))
    .values(superseded_at=bindparam("performed_at"), superseded_by=bindparam("assignment_id"))
    .returning(asset_assignments.c.id)
    .cte("superseded")
)

_NEW = {
    "id": "assignment_id",
    "operation_id": "operation_id",
    "asset_id": "asset_id",
    "user_id": "user_id",
    "previous_asset_id": "previous_asset_id",
    "assigned_by": "performed_by",
    "assigned_at": "performed_at",
    "valid_from": "performed_at",
    "undo_expires_at": "undo_expires_at",
}
"""The columns of a new assignment, and the parameters they share with its operation."""

_save_assigned = Statement.telling(
    insert(asset_assignments)
    .from_select(
        list(_NEW),
        select(
            *(
                bindparam(parameter, type_=asset_assignments.c[name].type)
                for name, parameter in _NEW.items()
            )
        ).select_from(select(func.count()).select_from(_superseded).subquery("ended")),
    )
    .add_cte(new_admin, new_operation, _marks),
    outbox,
)


async def save_assigned(tx: Tx, assigned: Assigned) -> None:
    """Begin the assignment, end the one it supersedes, and store what was emitted of that."""
    assignment, superseded = assigned.assignment, assigned.superseded
    await tx.execute(
        _save_assigned,
        **operation_values(assigned.operation),
        assignment_id=assignment.id,
        previous_asset_id=assignment.previous_asset_id,
        superseded_id=superseded.id if superseded else None,
        dirty=[assignment.asset_id] + ([superseded.asset_id] if superseded else []),
    )


_ENDED: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "superseded": Boolean(),
    "superseded_by": Uuid(),
    "reverted": Boolean(),
}


def _rows(prefix: str, columns: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """Parameters, an array a column, as the rows they form."""
    arrays = (bindparam(prefix + name, type_=ARRAY(kind)) for name, kind in columns.items())
    named = (column(name, kind) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*named, name=f"{prefix}rows").render_derived()


_ending = _rows("ended_", _ENDED)
_beginning = _rows("begun_", {name: asset_assignments.c[name].type for name in _BEGUN})

_ended = (
    update(asset_assignments)
    .where(asset_assignments.c.id == _ending.c.id)
    .values(
        superseded_at=case(
            (_ending.c.superseded, bindparam("performed_at")),
            else_=asset_assignments.c.superseded_at,
        ),
        superseded_by=func.coalesce(_ending.c.superseded_by, asset_assignments.c.superseded_by),
        reverted_at=case(
            (_ending.c.reverted, bindparam("performed_at")), else_=asset_assignments.c.reverted_at
        ),
        reverted_by=case(
            (_ending.c.reverted, bindparam("performed_by")), else_=asset_assignments.c.reverted_by
        ),
        revert_reason=case(
            (_ending.c.reverted, bindparam("reason", type_=Text)),
            else_=asset_assignments.c.revert_reason,
        ),
    )
    .returning(asset_assignments.c.id)
    .cte("ended")
)

_undone = (
    update(operations)
    .where(operations.c.id == bindparam("undoes"))
    .values(undone_at=bindparam("performed_at"), undone_by=bindparam("performed_by"))
    .returning(operations.c.id)
    .cte("undone")
)

_insert_operation = pg_insert(operations).values(
    {name: bindparam(name) for name in _OPERATION} | {"id": bindparam("operation_id")}
)
_completed_operation = (
    _insert_operation.on_conflict_do_update(
        index_elements=[operations.c.tenant_id, operations.c.id],
        set_={
            name: _insert_operation.excluded[name]
            for name in ("status", "performed_at", "user_count", "unchanged_count")
        }
        | {"undo_expires_at": _insert_operation.excluded.undo_expires_at},
    )
    .returning(operations.c.id)
    .cte("operation")
)
"""New, or attempted before and completed now."""

_save_change = Statement.telling(
    insert(asset_assignments)
    .from_select(
        _BEGUN,
        select(*_beginning.c).select_from(
            _beginning.join(select(func.count()).select_from(_ended).subquery("ends"), true())
        ),
    )
    .add_cte(new_admin, _completed_operation, _undone, _marks),
    outbox,
)


async def save_change(tx: Tx, change: Change) -> None:
    """Write down an operation with the assignments that end and begin with it.

    What it ``undoes`` is marked as undone, and what was emitted of all that is stored.
    """
    await tx.execute(
        _save_change,
        **operation_values(change.operation),
        reason=change.reason,
        **{f"ended_{name}": [getattr(each, name) for each in change.ended] for name in _ENDED},
        **{f"begun_{name}": [getattr(each, name) for each in change.begun] for name in _BEGUN},
        dirty=change.touched,
    )


_withdraw_asset = Statement(
    update(assets)
    .where(assets.c.id == bindparam("asset_id"))
    .values(deleted_at=bindparam("withdrawn_at"))
)


async def withdraw_asset(tx: Tx, asset_id: UUID) -> None:
    """It can be given to nobody any more; hold it before."""
    await tx.execute(_withdraw_asset, asset_id=asset_id, withdrawn_at=await tx.now())
