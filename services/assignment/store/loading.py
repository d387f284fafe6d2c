"""Loading what decisions need, and locking it: one statement a function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Record
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Uuid,
    bindparam,
    column,
    func,
    literal_column,
    or_,
    select,
)

from services.assignment.domain.model import Asset, Assignment, Operation, User
from services.assignment.domain.refusals import OperationNotFound
from services.assignment.tables import (
    active_assignments,
    asset_assignments,
    assets,
    operations,
    users,
)
from shared.db import Statement, Tx

OFFERED = 100
"""How many operations an undo looks at, newest first."""

ASSIGNMENT = tuple(field.name for field in fields(Assignment))
_OPERATION = tuple(field.name for field in fields(Operation))


_LOCKS = 1024
"""Users share this many locks: a server's table of locks has room for a few thousand."""

_FIRST_LOCK = int.from_bytes(blake2b(b"assignment.user", digest_size=8).digest(), signed=True)


def user_lock(user_id: UUID) -> int:
    """The advisory lock that whoever changes what a user has must hold."""
    digest = blake2b(user_id.bytes, digest_size=8, person=b"assignment.user").digest()
    return (_FIRST_LOCK & -_LOCKS) + int.from_bytes(digest) % _LOCKS


class Situation(NamedTuple):
    """What an assignment is decided on."""

    now: datetime
    asset: Asset
    user: User
    current: Assignment | None


def labelled(prefix: str, source: FromClause, names: Sequence[str]) -> list[ColumnElement[Any]]:
    """The columns ``names`` under longer names, so that rows of several tables fit in one."""
    return [source.c[name].label(prefix + name) for name in names]


ASSET = ("id", "known", "status", "deleted_at")
USER = ("id", "known", "disabled")

_moment = select(func.clock_timestamp().label("now")).subquery("moment")

_situation = Statement(
    select(
        _moment.c.now,
        *labelled("asset_", assets, ASSET),
        *labelled("user_", users, USER),
        *labelled("current_", active_assignments, ASSIGNMENT),
    ).select_from(
        _moment.outerjoin(assets, assets.c.id == bindparam("asset_id"))
        .outerjoin(users, users.c.id == bindparam("user_id"))
        .outerjoin(active_assignments, active_assignments.c.user_id == bindparam("user_id"))
    )
)


async def situation(tx: Tx, asset_id: UUID, user_id: UUID) -> Situation:
    """The asset, the user and what the user has now; take ``user_lock`` before."""
    row = await tx.fetchrow(_situation, asset_id=asset_id, user_id=user_id)
    assert row is not None  # the moment is always there
    return Situation(
        now=tx.saw(row["now"]),
        asset=asset_of(row, asset_id),
        user=user_of(row, user_id),
        current=assignment_of(row, "current_") if row["current_id"] else None,
    )


_asset_by_id = Statement(
    select(*labelled("asset_", assets, ASSET)).where(assets.c.id == bindparam("asset_id"))
)


async def asset(tx: Tx, asset_id: UUID) -> Asset:
    """What is known of an asset."""
    row = await tx.fetchrow(_asset_by_id, asset_id=asset_id)
    return asset_of(row, asset_id) if row else Asset(asset_id)


_hold_asset = Statement(
    select(*labelled("asset_", assets, ASSET), assets.c.presence_version)
    .where(assets.c.id == bindparam("asset_id"))
    .with_for_update()
)


async def hold_asset(tx: Tx, asset_id: UUID) -> tuple[Asset, int]:
    """What is known of an asset, of which no assignment begins until the transaction ends.

    And the version of the last deletion or restoration that was heard of.
    """
    row = await tx.fetchrow(_hold_asset, asset_id=asset_id)
    return (asset_of(row, asset_id), row["presence_version"]) if row else (Asset(asset_id), 0)


_holders = Statement(
    select(func.count()).where(active_assignments.c.asset_id == bindparam("asset_id"))
)


async def count_holders(tx: Tx, asset_id: UUID) -> int:
    """How many users have an asset now."""
    return int(await tx.fetchval(_holders, asset_id=asset_id))


_user_by_id = Statement(
    select(*labelled("user_", users, USER)).where(users.c.id == bindparam("user_id"))
)


async def user(tx: Tx, user_id: UUID) -> User:
    """What is known of a person."""
    row = await tx.fetchrow(_user_by_id, user_id=user_id)
    return user_of(row, user_id) if row else User(user_id)


def asset_of(row: Record, ident: UUID) -> Asset:
    """The asset in columns labelled ``asset_``."""
    return Asset(
        id=ident,
        known=bool(row["asset_known"]),
        status=row["asset_status"],
        deleted=row["asset_deleted_at"] is not None,
    )


def user_of(row: Record, ident: UUID) -> User:
    """The user in columns labelled ``user_``."""
    return User(id=ident, known=bool(row["user_known"]), disabled=bool(row["user_disabled"]))


def assignment_of(row: Record, prefix: str) -> Assignment:
    """The assignment in columns labelled with a prefix."""
    return Assignment(**{name: row[prefix + name] for name in ASSIGNMENT})


_named_operation = bindparam("operation_id", type_=Uuid)
_named_assignment = bindparam("assignment_id", type_=Uuid)

_undoable = Statement(
    select(*(operations.c[name] for name in _OPERATION))
    .where(
        operations.c.asset_id == bindparam("asset_id"),
        operations.c.undone_at.is_(None),
        operations.c.undo_expires_at.is_not(None),
        or_(_named_operation.is_(None), operations.c.id == _named_operation),
        or_(
            _named_assignment.is_(None),
            operations.c.id
            == select(asset_assignments.c.operation_id)
            .where(asset_assignments.c.id == _named_assignment)
            .scalar_subquery(),
        ),
    )
    .order_by(operations.c.performed_at.desc(), operations.c.id.desc())
    .limit(literal_column(str(OFFERED)))
)


async def undoable(
    tx: Tx, asset_id: UUID, *, operation_id: UUID | None, assignment_id: UUID | None
) -> list[Operation]:
    """The asset's operations not yet undone, newest first; only a named one, if one is named."""
    rows = await tx.fetch(
        _undoable, asset_id=asset_id, operation_id=operation_id, assignment_id=assignment_id
    )
    return [Operation(**row) for row in rows]


_operation_by_id = Statement(
    select(*(operations.c[name] for name in _OPERATION)).where(
        operations.c.id == bindparam("operation_id")
    )
)


async def operation(tx: Tx, operation_id: UUID) -> Operation:
    """An operation as it is now. Refuses an unknown one."""
    row = await tx.fetchrow(_operation_by_id, operation_id=operation_id)
    if row is None:
        raise OperationNotFound(f"There is no operation {operation_id}.")
    return Operation(**row)


_users_of = Statement(
    select(asset_assignments.c.user_id).where(
        asset_assignments.c.operation_id == bindparam("operation_id")
    )
)

_keys = (
    func.unnest(bindparam("keys", type_=ARRAY(BigInteger)))
    .table_valued(column("key", BigInteger))
    .render_derived()
)
_taken = select(func.count(func.pg_advisory_xact_lock(_keys.c.key)).label("count")).subquery(
    "taken"
)
_lock = Statement(select(func.clock_timestamp(), _taken.c.count))


async def lock_users_of(tx: Tx, operation: Operation) -> datetime:
    """Take the lock of each user of an operation; return the time then."""
    users_of = await tx.fetch(_users_of, operation_id=operation.id)
    return await lock_users(tx, [row["user_id"] for row in users_of])


async def lock_users(tx: Tx, user_ids: Iterable[UUID]) -> datetime:
    """Take the lock of each user, in the order everybody does; return the time then."""
    keys = sorted({user_lock(user_id) for user_id in user_ids})
    return tx.saw(await tx.fetchval(_lock, keys=keys))
