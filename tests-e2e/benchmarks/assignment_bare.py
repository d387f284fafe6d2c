"""The baseline of assigning and undoing: aiohttp handlers, asyncpg, one statement a round trip.

They do what the product does to the same tables, with the same locks, tenant fence, constraints
and indexes, and leave an event in the outbox. They know no sessions, keys or projections.
Usage: ... DSN
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web
from uuid_utils.compat import uuid7

from benchmarks.bare import pool_of, serve
from services.assignment.store import user_lock

_SITUATION = """
    select clock_timestamp() as now, a.status, a.deleted_at, u.disabled,
           (select id from assignment.admins limit 1) as admin,
           c.id as current_id, c.asset_id as current_asset_id
    from assignment.assets a, assignment.users u
    left join assignment.asset_assignments c
      on c.user_id = u.id and c.superseded_at is null and c.reverted_at is null
    where a.id = $1 and u.id = $2"""
_END = "update assignment.asset_assignments set superseded_at = $2 where id = $1"
_BEGIN = """
    with operation as (
        insert into assignment.operations
            (id, kind, asset_id, performed_by, performed_at, user_count, undo_expires_at)
        values ($2, 'assign', $3, $6, $7, 1, $8))
    insert into assignment.asset_assignments
        (id, operation_id, asset_id, user_id, previous_asset_id, assigned_by, assigned_at,
         valid_from, undo_expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $7, $8)"""
_UNDOABLE = """
    select o.id as operation_id, o.performed_by, c.id, c.user_id, e.id as earlier_id,
           e.asset_id as earlier_asset_id, e.previous_asset_id as earlier_previous,
           e.assigned_at as earlier_at
    from assignment.operations o
    join assignment.asset_assignments c on c.operation_id = o.id
    left join assignment.asset_assignments e
      on e.user_id = c.user_id and e.superseded_at = c.assigned_at
    where o.asset_id = $1 and o.undone_at is null and o.undo_expires_at > clock_timestamp()
    order by o.performed_at desc limit 1"""
_TAKE_BACK = """
    with undone as (
        update assignment.operations set undone_at = $3, undone_by = $4 where id = $2)
    update assignment.asset_assignments set reverted_at = $3, reverted_by = $4 where id = $1"""
_GIVE_BACK = """
    with operation as (
        insert into assignment.operations
            (id, kind, asset_id, performed_by, performed_at, user_count, undoes)
        values ($2, 'undo', $9, $6, $8, 1, $10))
    insert into assignment.asset_assignments
        (id, operation_id, asset_id, user_id, previous_asset_id, assigned_by, assigned_at,
         valid_from, restored_from)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $11)"""
_TELL = """
    insert into assignment.outbox (id, type, aggregateid, headers, payload)
    values ($1, $2, $3, $4, $5)"""
_WINDOW = timedelta(seconds=30)


async def build() -> web.Application:
    """The handlers and their pool."""
    pool = await pool_of("marquee_assignment")

    async def assign(request: web.Request) -> web.Response:
        asset_id = UUID(request.match_info["id"])
        user_id = UUID(orjson.loads(await request.read())["user_id"])
        async with pool.acquire() as connection:
            return _json(201, await _assign(connection, asset_id, user_id))

    async def undo(request: web.Request) -> web.Response:
        async with pool.acquire() as connection:
            return _json(200, await _undo(connection, UUID(request.match_info["id"])))

    app = web.Application()
    app.router.add_post("/api/admin/assets/{id}/assign", assign)
    app.router.add_post("/api/admin/assets/{id}/undo-assign", undo)
    return app


async def _assign(connection: Any, asset_id: UUID, user_id: UUID) -> dict[str, Any]:
    ident, operation = uuid7(), uuid7()
    await connection.execute("begin")
    await connection.fetchval("select set_config('app.tenant', 'default', true)")
    await connection.fetchval("select pg_advisory_xact_lock($1)", user_lock(user_id))
    row = await connection.fetchrow(_SITUATION, asset_id, user_id)
    assert row["status"] == "completed"
    now, previous = row["now"], row["current_asset_id"]
    await connection.execute(_END, row["current_id"], now)
    await connection.execute(
        _BEGIN, ident, operation, asset_id, user_id, previous, row["admin"], now, now + _WINDOW
    )
    given = {
        "id": ident,
        "operation_id": operation,
        "asset_id": asset_id,
        "user_id": user_id,
        "previous_asset_id": previous,
        "assigned_at": now,
        "undo_expires_at": now + _WINDOW,
    }
    await _tell(connection, "assignment.asset.assigned", asset_id, given)
    await connection.execute("commit")
    return given


async def _undo(connection: Any, asset_id: UUID) -> dict[str, Any]:
    ident, operation = uuid7(), uuid7()
    await connection.execute("begin")
    await connection.fetchval("select set_config('app.tenant', 'default', true)")
    row = await connection.fetchrow(_UNDOABLE, asset_id)
    user_id, admin, undoes = row["user_id"], row["performed_by"], row["operation_id"]
    now: datetime = await connection.fetchval(
        "select clock_timestamp() from pg_advisory_xact_lock($1)", user_lock(user_id)
    )
    await connection.execute(_TAKE_BACK, row["id"], undoes, now, admin)
    await connection.execute(
        *(_GIVE_BACK, ident, operation, row["earlier_asset_id"], user_id, row["earlier_previous"]),
        *(admin, row["earlier_at"], now, asset_id, undoes, row["earlier_id"]),
    )
    restored = [{"user_id": user_id, "asset_id": row["earlier_asset_id"]}]
    given = {"operation_id": undoes, "restored": restored, "skipped": []}
    await _tell(connection, "assignment.asset.unassigned", asset_id, given)
    await connection.execute("commit")
    return given


async def _tell(connection: Any, name: str, asset_id: UUID, what: dict[str, Any]) -> None:
    headers = orjson.dumps({"ce-type": f"{name}.v1", "ce-subject": str(asset_id)})
    await connection.execute(_TELL, uuid7(), name, str(asset_id), headers, _encoded(what))


def _json(status: int, what: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=_encoded(what), content_type="application/json")


def _encoded(what: dict[str, Any]) -> bytes:
    return orjson.dumps(what, default=str)


if __name__ == "__main__":
    serve(build)
