"""``history_page``: a page of a user's history, in a small trail and in one of a million."""

from __future__ import annotations

from statistics import median

import asyncpg

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most, compared, times_at_least
from benchmarks.load import Outcome, Plan, Shot, fire
from benchmarks.stage import Product, bare

TARGETS = {
    "history_page.rate": times_at_least(0.5, "requests/s"),
    "history_page.growth": at_most(1.3, "x the cost in 10,000"),
    "history_page.thousand": at_most(1, "s"),
}
CLIENTS = 16
OWN, WHOLE, OTHERS = 10_000, 1_000_000, 5_000

_PEOPLE = """
    insert into audit.users (tenant_id, id, known, email, name, version)
    select 'default', gen_random_uuid(), true, n || '@h.example', 'Somebody', 1
    from generate_series(1, $1::int) n"""
_ENTRIES = """
    insert into audit.assignment_history
        (id, tenant_id, seq, event_id, event_type, action, user_id, asset_id, assignment_id,
         operation_id, actor, performed_by, performed_at, recorded_at)
    select gen_random_uuid(), 'default', $1::bigint + n, gen_random_uuid(),
           'assignment.asset.assigned', 'assigned', who[1 + n % cardinality(who)], asset.id,
           gen_random_uuid(), gen_random_uuid(), 'user:' || admin.id, admin.id, at, at
    from generate_series(1, $2::int) n
    cross join lateral (select now() - interval '1 year' + n * interval '30 seconds' as at) t
    cross join (select id from audit.assets limit 1) asset
    cross join (select id from audit.admins where kind = 'user' limit 1) admin
    cross join (select array_agg(id) as who from audit.users where id = $3 or $3 is null) people"""


async def measure(bench: Bench) -> None:
    """The user has 10,000 entries each time; the rows are written by SQL, and read as ever."""
    async with bench.stage.product() as product:
        user = await _furnish(product)
        await _fill(product, bench.size(OWN, OWN // 10), user)
        small = await bench.times(lambda: _ask(bench, product, user))
        await _fill(product, bench.size(WHOLE - OWN, (WHOLE - OWN) // 20), None)
        async with bare("history_bare", product.place.dsn) as plain:

            async def ours() -> Outcome:
                return await _ask(bench, product, user)

            async def theirs() -> Outcome:
                return await fire(Plan(plain.url, _lanes(user), lasting=bench.size(4, 1), warm=1))

            pairs = await bench.pairs(ours, theirs)
        thousand = await bench.times(lambda: _thousand(product, user))
    p99 = pairs.ours[-1].percentile(0.99)
    bench.report(compared("history_page.rate", TARGETS, pairs, lambda o: o.rate, p99_ms=p99))
    costs = [median(o.percentile(0.5) for o in found) for found in (small, pairs.ours)]
    growth = costs[1] / costs[0]
    bench.report(alone("history_page.growth", TARGETS, [growth], small=costs[0], large=costs[1]))
    bench.report(alone("history_page.thousand", TARGETS, thousand))


async def _furnish(product: Product) -> str:
    """Have one user, the administrator and an asset in the trail's read models."""
    user = await product.client.create_user("reader@h.example")
    await product.settled()
    database = await asyncpg.connect(product.place.admin_dsn)
    await database.execute(_PEOPLE, OTHERS)
    await database.execute(
        "insert into audit.assets (tenant_id, id, known, title, version) "
        "values ('default', gen_random_uuid(), true, 'Aurora', 1)"
    )
    await database.close()
    return str(user["id"])


async def _fill(product: Product, number: int, user: str | None) -> None:
    """Append entries: of one user, or of everybody in turn."""
    database = await asyncpg.connect(product.place.admin_dsn)
    last = "select coalesce(max(seq), 0) from audit.assignment_history"
    await database.execute(_ENTRIES, await database.fetchval(last), number, user)
    await database.execute("vacuum analyze audit.assignment_history")
    await database.close()


def _lanes(user: str, limit: int = 50) -> list[list[Shot]]:
    path = f"/api/admin/users/{user}/assignment-history?limit={limit}"
    return [[Shot("page", "GET", path)] for _ in range(CLIENTS)]


async def _ask(bench: Bench, product: Product, user: str) -> Outcome:
    times = {"lasting": bench.size(4, 1), "warm": 1}
    client = product.client
    return await fire(Plan(client.url, _lanes(user), client.headers(), **times))


async def _thousand(product: Product, user: str) -> float:
    """Seconds for 1,000 entries: two pages of the largest size, one after the other."""
    path = f"/api/admin/users/{user}/assignment-history?limit=500&offset="
    pages = [Shot("page", "GET", f"{path}{offset}") for offset in (0, 500)]
    client = product.client
    return (await fire(Plan(client.url, [pages], client.headers()))).seconds
