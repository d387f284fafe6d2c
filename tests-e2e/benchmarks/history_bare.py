"""The baseline of ``history_page``: an aiohttp handler with the same SQL. Usage: ... DSN"""

from __future__ import annotations

from uuid import UUID

import orjson
from aiohttp import web

from benchmarks.bare import pool_of, serve

_KNOWN = "select known from audit.users where tenant_id = 'default' and id = $1"
_PAGE = """
    select h.*, a.title, a.thumbnail_key, p.kind, p.name, p.email
    from audit.assignment_history h
    join audit.admins p on p.tenant_id = h.tenant_id and p.id = h.performed_by
    left join audit.assets a on a.tenant_id = h.tenant_id and a.id = h.asset_id
    where h.tenant_id = 'default' and h.user_id = $1 and h.assignment_id is not null
    order by h.performed_at desc, h.seq desc limit $2 offset $3"""
_COUNT = """
    select count(*) from audit.assignment_history
    where tenant_id = 'default' and user_id = $1 and assignment_id is not null"""


async def build() -> web.Application:
    """The handler and its pool."""
    pool = await pool_of("marquee_audit")

    async def history(request: web.Request) -> web.Response:
        user, limit = UUID(request.match_info["id"]), int(request.query["limit"])
        offset = int(request.query.get("offset", 0))
        async with pool.acquire() as connection:
            await connection.execute("begin isolation level repeatable read read only")
            await connection.fetchval("select set_config('app.tenant', 'default', true)")
            assert await connection.fetchval(_KNOWN, user)
            rows = await connection.fetch(_PAGE, user, limit, offset)
            total = await connection.fetchval(_COUNT, user)
            await connection.execute("commit")
        page = {"history": [dict(row) for row in rows], "total": total, "limit": limit}
        body = orjson.dumps(page | {"offset": offset}, default=str)
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/api/admin/users/{id}/assignment-history", history)
    return app


if __name__ == "__main__":
    serve(build)
