"""Read models: who has what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    DateTime,
    Uuid,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
    tuple_,
)

from services.assignment.domain.model import Operation
from services.assignment.tables import (
    active_assignments,
    admins,
    asset_assignments,
    assets,
    operations,
    users,
)
from shared.contracts.identity import UserNotFound
from shared.contracts.young import patience_for
from shared.db import Statement, Tx


@dataclass(frozen=True, slots=True)
class AssetState:
    """Who has an asset: the latest of its active assignments, and how many there are."""

    asset_id: UUID
    user_id: UUID | None
    assigned_at: datetime | None
    assigned_by: UUID | None
    active_assignment_count: int


_asked = (
    func.unnest(bindparam("asset_ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), name="asked")
    .render_derived()
)
_holders = active_assignments.c.asset_id == _asked.c.id

# Ties are broken by the user, not by the row: an assignment that is brought back gets a new row,
# and must still take its old place.
_latest = (
    select(
        active_assignments.c.user_id,
        active_assignments.c.assigned_at,
        active_assignments.c.assigned_by,
    )
    .where(_holders)
    .order_by(active_assignments.c.assigned_at.desc(), active_assignments.c.user_id.desc())
    .limit(1)
    .lateral("latest")
)
_count = select(func.count().label("active_assignment_count")).where(_holders).lateral("holders")

_states = Statement(
    select(_asked.c.id.label("asset_id"), *_latest.c, *_count.c).select_from(
        _asked.join(_count, true()).outerjoin(_latest, true())
    )
)


async def asset_states(tx: Tx, asset_ids: Sequence[UUID]) -> list[AssetState]:
    """The state of each asset, computed from the assignments that are active now."""
    return [AssetState(**row) for row in await tx.fetch(_states, asset_ids=asset_ids)]


_DETAILS = (
    assets.c.title.label("asset_title"),
    assets.c.filename.label("asset_filename"),
    assets.c.status.label("asset_status"),
    admins.c.email.label("admin_email"),
    admins.c.name.label("admin_name"),
)

_current = Statement(
    select(users.c.known, func.clock_timestamp().label("now"), active_assignments, *_DETAILS)
    .select_from(
        users.outerjoin(active_assignments, active_assignments.c.user_id == users.c.id)
        .outerjoin(assets, assets.c.id == active_assignments.c.asset_id)
        .outerjoin(admins, admins.c.id == active_assignments.c.assigned_by)
    )
    .where(users.c.id == bindparam("user_id"))
)


async def current_assignment(tx: Tx, user_id: UUID) -> Record:
    """A user with what the user has now, if anything. Refuses an unknown user."""
    row = await tx.fetchrow(_current, user_id=user_id)
    now = tx.saw(row["now"]) if row else await tx.now()
    if row is None or not row["known"]:
        raise UserNotFound(f"There is no user {user_id}.", patience=patience_for(user_id, now))
    return row


_ended = func.least(asset_assignments.c.superseded_at, asset_assignments.c.reverted_at)
_as_of = bindparam("as_of", type_=DateTime(timezone=True))

_standing_then = (
    select(asset_assignments, *_DETAILS)
    .select_from(
        asset_assignments.join(assets, assets.c.id == asset_assignments.c.asset_id).join(
            admins, admins.c.id == asset_assignments.c.assigned_by
        )
    )
    .where(asset_assignments.c.valid_from <= _as_of, or_(_ended.is_(None), _ended > _as_of))
    .order_by(asset_assignments.c.user_id)
    .limit(bindparam("count"))
)

_BY = {
    "user_id": asset_assignments.c.user_id == bindparam("user_id"),
    "asset_id": asset_assignments.c.asset_id == bindparam("asset_id"),
    "after": asset_assignments.c.user_id > bindparam("after"),
}


@cache
def _assignments(names: frozenset[str]) -> Statement:
    """A statement per combination of filters, so that each is planned with its own index."""
    return Statement(_standing_then.where(*(_BY[name] for name in sorted(names))))


async def assignments(
    tx: Tx,
    as_of: datetime,
    *,
    user_id: UUID | None,
    asset_id: UUID | None,
    after: UUID | None,
    count: int,
) -> list[Record]:
    """What users had at a time, with details, by user; only those ``after`` a user, if named."""
    named = {"user_id": user_id, "asset_id": asset_id, "after": after}
    given = {name: value for name, value in named.items() if value is not None}
    return await tx.fetch(_assignments(frozenset(given)), as_of=as_of, count=count, **given)


_operations = (
    select(*(operations.c[field.name] for field in fields(Operation)))
    .order_by(operations.c.performed_at.desc(), operations.c.id.desc())
    .limit(bindparam("count"))
)
_newest = Statement(_operations)
_older = Statement(
    _operations.where(
        tuple_(operations.c.performed_at, operations.c.id)
        < tuple_(
            bindparam("seen_at", type_=DateTime(timezone=True)), bindparam("seen_id", type_=Uuid)
        )
    )
)


async def operations_before(
    tx: Tx, seen: tuple[datetime, UUID] | None, count: int
) -> list[Operation]:
    """Operations, newest first; those after the one ``seen`` last, if any."""
    if seen is None:
        rows = await tx.fetch(_newest, count=count)
    else:
        rows = await tx.fetch(_older, count=count, seen_at=seen[0], seen_id=seen[1])
    return [Operation(**row) for row in rows]
