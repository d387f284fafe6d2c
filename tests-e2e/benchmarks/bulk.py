"""``bulk_1000``, ``bulk_10000``: one request for many users, against one set-based transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle
from statistics import median
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from benchmarks.assignment import furnish
from benchmarks.bench import Bench
from benchmarks.figures import Pairs, alone, at_most, compared, times_at_most
from benchmarks.house import House
from benchmarks.load import Shot, fire
from services.assignment.store import user_lock

SIZES = (1_000, 10_000)
TARGETS = {
    "bulk_1000": times_at_most(2.5, "ms"),
    "bulk_10000": times_at_most(2.5, "ms"),
    "bulk_10000.growth": at_most(10, "x the time of 1,000"),
}
CHUNK = 500


async def measure(bench: Bench) -> None:
    """Every bulk gives all users another asset than they have."""
    house = await bench.house()
    await house.users(bench.size(SIZES[-1], SIZES[0]))
    async with bench.stage.database("assignment") as database:
        await furnish(house, database.admin_dsn)
        plain = await asyncpg.connect(database.dsn, server_settings={"role": "marquee_assignment"})
        found = {}
        for size in SIZES:
            found[size] = await _in_turn(bench, house, plain, size)
            bench.report(compared(f"bulk_{size}", TARGETS, found[size], float))
        await plain.close()
    small, large = (median(found[size].ours) for size in SIZES)
    bench.report(alone("bulk_10000.growth", TARGETS, [large / small]))


async def _in_turn(
    bench: Bench, house: House, plain: asyncpg.Connection, size: int
) -> Pairs[float]:
    users = await house.users(bench.size(size, size // 10))
    two = await house.assets(2)
    assets, others = cycle(two), cycle(two)
    ids = [UUID(user) for user in users]

    async def ours() -> float:
        body = {"asset_id": next(assets), "user_ids": users}
        shot = Shot("bulk", "POST", "/api/admin/assets/bulk-assign", body)
        outcome = await fire(house.plan([[shot]]))
        await house.product.settled()
        return outcome.percentile(1)

    async def theirs() -> float:
        began = time.perf_counter()
        await _bare(plain, UUID(next(others)), ids)
        return (time.perf_counter() - began) * 1000

    return await bench.pairs(ours, theirs)


_LOCK = "select count(pg_advisory_xact_lock(key)) from unnest($1::bigint[]) key"
_ATTEMPT = """
    with operation as (
        insert into assignment.operations
            (id, kind, asset_id, performed_by, performed_at, user_count, undo_expires_at)
        select $1, 'bulk_assign', $2, a.id, clock_timestamp(), cardinality($3::uuid[]),
               clock_timestamp() + interval '30 seconds'
        from assignment.admins a limit 1 returning id)
    insert into assignment.bulk_requests (operation_id, user_ids, actor, attempted_at, settled_at)
    select id, $3, 'system', clock_timestamp(), clock_timestamp() from operation"""
_SITUATION = """
    select u.id, u.known and not u.disabled as good, c.id as current_id, c.asset_id as previous
    from assignment.users u
    left join assignment.asset_assignments c
      on c.user_id = u.id and c.superseded_at is null and c.reverted_at is null
    where u.id = any($1::uuid[])"""
_CHANGE = """
    with ended as (
        update assignment.asset_assignments a set superseded_at = clock_timestamp(),
               superseded_by = new.id
        from unnest($1::uuid[], $2::uuid[]) new (id, current_id) where a.id = new.current_id
        returning a.id)
    insert into assignment.asset_assignments
        (id, operation_id, asset_id, user_id, previous_asset_id, assigned_by, assigned_at,
         valid_from, undo_expires_at)
    select new.id, $3, $4, new.user_id, new.previous, o.performed_by, o.performed_at,
           o.performed_at, o.undo_expires_at
    from unnest($1::uuid[], $5::uuid[], $6::uuid[]) new (id, user_id, previous),
         assignment.operations o, (select count(*) from ended) ends
    where o.id = $3"""
_TELL = """
    insert into assignment.outbox (id, type, aggregateid, headers, payload)
    select unnest($1::uuid[]), 'assignment.asset.bulk_assigned', $2, '{}', unnest($3::bytea[])"""


async def _bare(connection: asyncpg.Connection, asset_id: UUID, users: Sequence[UUID]) -> None:
    """The baseline: lock, look, judge and write all users at once, with their events in chunks."""
    operation, new = uuid7(), [uuid7() for _ in users]
    async with connection.transaction():
        await connection.fetchval("select set_config('app.tenant', 'default', true)")
        await connection.fetchval(_LOCK, sorted({user_lock(user) for user in users}))
        await connection.execute(_ATTEMPT, operation, asset_id, users)
        rows = await connection.fetch(_SITUATION, users)
        assert len(rows) == len(users)
        assert all(row["good"] for row in rows)
        by = [row["id"] for row in rows]
        current, previous = [row["current_id"] for row in rows], [row["previous"] for row in rows]
        await connection.execute(_CHANGE, new, current, operation, asset_id, by, previous)
        told = [
            {"assignment_id": a, "user_id": u, "previous_asset_id": p}
            for a, u, p in zip(new, by, previous, strict=True)
        ]
        chunks = [
            orjson.dumps(told[start : start + CHUNK], default=str)
            for start in range(0, len(told), CHUNK)
        ]
        await connection.execute(_TELL, [uuid7() for _ in chunks], str(asset_id), chunks)
