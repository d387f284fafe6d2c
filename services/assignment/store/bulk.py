"""Bulk assignments: written down before they are attempted, and settled afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.assignment.domain.bulk import Held, Recipient
from services.assignment.domain.model import Operation, User
from services.assignment.store.saving import new_admin, new_operation, operation_values
from services.assignment.tables import active_assignments, bulk_requests, operations, users
from shared.contracts.actor import Actor
from shared.db import Statement, Tx

_save_attempt = Statement(
    insert(bulk_requests)
    .values(
        operation_id=bindparam("operation_id"),
        user_ids=bindparam("user_ids"),
        actor=bindparam("actor"),
        attempted_at=bindparam("performed_at"),
    )
    .add_cte(new_admin, new_operation)
)


async def save_attempt(tx: Tx, attempt: Operation, user_ids: Sequence[UUID]) -> None:
    """Write down what is about to be tried, and for whom."""
    await tx.execute(
        _save_attempt,
        **operation_values(attempt),
        user_ids=user_ids,
        actor=str(tx.context.actor),
    )


_attempt = (
    select(*(operations.c[name] for name in Operation.__dataclass_fields__))
    .where(operations.c.id == bindparam("operation_id"), operations.c.status == "attempted")
    .with_for_update()
)
_take_attempt = Statement(_attempt)
_take_idle_attempt = Statement(_attempt.with_for_update(skip_locked=True))


async def take_attempt(tx: Tx, operation_id: UUID) -> Operation | None:
    """Keep everybody else from settling an attempt; None if somebody has."""
    row = await tx.fetchrow(_take_attempt, operation_id=operation_id)
    return Operation(**row) if row else None


async def take_idle_attempt(tx: Tx, operation_id: UUID) -> Operation | None:
    """The same, but None as well if it is being carried out at this moment."""
    row = await tx.fetchrow(_take_idle_attempt, operation_id=operation_id)
    return Operation(**row) if row else None


_asked = (
    func.unnest(bindparam("user_ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), with_ordinality="place", name="asked")
    .render_derived()
)
_recipients = Statement(
    select(
        _asked.c.id,
        users.c.known,
        users.c.disabled,
        active_assignments.c.id.label("held_id"),
        active_assignments.c.asset_id,
    )
    .select_from(
        _asked.outerjoin(users, users.c.id == _asked.c.id).outerjoin(
            active_assignments, active_assignments.c.user_id == _asked.c.id
        )
    )
    .order_by(_asked.c.place)
)


async def recipients(tx: Tx, user_ids: Sequence[UUID]) -> list[Recipient]:
    """Users and what each has now, in the order asked; take their locks before."""
    return [
        Recipient(
            User(row["id"], bool(row["known"]), bool(row["disabled"])),
            Held(row["held_id"], row["asset_id"]) if row["held_id"] else None,
        )
        for row in await tx.fetch(_recipients, user_ids=user_ids)
    ]


_settled = (
    update(bulk_requests)
    .where(bulk_requests.c.operation_id == bindparam("operation_id"))
    .values(settled_at=bindparam("now"), failures=bindparam("failures", type_=JSONB))
)
_settle = Statement(_settled)
_fail = Statement(
    update(operations)
    .where(operations.c.id == bindparam("operation_id"))
    .values(
        status="failed",
        error=bindparam("error", type_=Text),
        unchanged_count=bindparam("unchanged_count", type_=Integer),
    )
    .add_cte(_settled.returning(bulk_requests.c.operation_id).cte("settled"))
)


async def settle(tx: Tx, operation_id: UUID) -> None:
    """The attempt has succeeded."""
    await tx.execute(_settle, operation_id=operation_id, now=await tx.now(), failures=[])


async def fail(
    tx: Tx,
    operation_id: UUID,
    *,
    error: str,
    failures: Sequence[Any] = (),
    unchanged_count: int = 0,
) -> None:
    """The attempt has changed nothing, for these reasons."""
    await tx.execute(
        _fail,
        operation_id=operation_id,
        now=await tx.now(),
        error=error,
        failures=list(failures),
        unchanged_count=unchanged_count,
    )


class Request(NamedTuple):
    """What a bulk assignment was asked to do, and who stood against it."""

    user_ids: list[UUID]
    failures: list[Any]


_request = Statement(
    select(bulk_requests.c.user_ids, bulk_requests.c.failures).where(
        bulk_requests.c.operation_id == bindparam("operation_id")
    )
)


async def request(tx: Tx, operation_id: UUID) -> Request | None:
    """What was asked for, if the operation is a bulk assignment."""
    row = await tx.fetchrow(_request, operation_id=operation_id)
    return Request(row["user_ids"], row["failures"]) if row else None


class Left(NamedTuple):
    """An attempt without an outcome, and whose it is."""

    tenant: str
    operation_id: UUID
    actor: Actor


_left = Statement(
    select(bulk_requests.c.tenant_id, bulk_requests.c.operation_id, bulk_requests.c.actor)
    .where(bulk_requests.c.settled_at.is_(None), bulk_requests.c.attempted_at < bindparam("before"))
    .order_by(bulk_requests.c.attempted_at)
    .limit(literal_column("100"))
)


async def left_behind(tx: Tx, before: datetime) -> list[Left]:
    """Attempts of all tenants that began before a time and have no outcome yet."""
    rows = await tx.fetch(_left, before=before)
    return [Left(r["tenant_id"], r["operation_id"], Actor.parse(r["actor"])) for r in rows]
