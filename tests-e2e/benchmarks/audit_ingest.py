"""``audit_ingest``: events into the sealed trail, against plain INSERTs of the same rows."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most, compared, times_at_least
from benchmarks.load import Shot, fire
from benchmarks.pile import channel_of, frozen, publish, until
from benchmarks.stage import Place
from benchmarks.usage import watched
from shared.contracts.actor import Actor
from shared.contracts.assignment import AssetAssigned
from shared.contracts.context import Context
from shared.contracts.envelope import Message, seal

TARGETS = {
    "audit_ingest": times_at_least(0.5, "events/s"),
    "audit_ingest.seal_lag_p99": at_most(1, "s"),
}
BATCH = 200
USERS, ASSETS = 1_000, 20
LANES, EVERY = 10, 0.1


async def measure(bench: Bench) -> None:
    """A pile of assignments into the trail, and the lag of single ones at 100 a second."""
    number = bench.size(10_000, 2_000)
    notes: dict[str, float] = {}
    async with (
        bench.stage.place() as place,
        place.running("audit") as process,
        bench.stage.database("audit") as plain,
    ):

        async def ours() -> float:
            async with watched(process.pid) as usage:
                rate = await _ingested(place, process.pid, number)
            notes.update(usage.notes())
            return rate

        async def theirs() -> float:
            return await _inserted(place, plain.dsn, plain.admin_dsn, number)

        pairs = await bench.pairs(ours, theirs)
    bench.report(compared("audit_ingest", TARGETS, pairs, float, **notes))
    await _lag(bench)


async def _ingested(place: Place, pid: int, number: int) -> float:
    database = await asyncpg.connect(place.admin_dsn)
    sealed = "select coalesce(max(seq), 0) from audit.history_seals"
    before = await database.fetchval(sealed)

    async def through() -> bool:
        return bool(await database.fetchval(sealed) >= before + number)

    async with channel_of(place.amqp_url) as channel:
        with frozen(pid):
            await publish(channel, _assignments(number))
        began = time.perf_counter()
        await until(through)
        seconds = time.perf_counter() - began
    await database.close()
    return number / seconds


async def _inserted(place: Place, dsn: str, admin_dsn: str, number: int) -> float:
    """The baseline writes the rows that we wrote last, in batches as large as ours may be."""
    source = await asyncpg.connect(place.admin_dsn)
    newest = "select * from audit.assignment_history order by seq desc limit $1"
    rows = [tuple(row) for row in await source.fetch(newest, number)]
    learned = {
        table: await source.fetch(f"select * from audit.{table}")
        for table in ("users", "admins", "assets")
    }
    columns = await source.fetch(
        "select attname, format_type(atttypid, null) as kind from pg_attribute "
        "where attrelid = 'audit.assignment_history'::regclass and attnum > 0 order by attnum"
    )
    await source.close()
    await _know(admin_dsn, learned)
    names = ", ".join(column["attname"] for column in columns)
    arrays = ", ".join(f"${n}::{column['kind']}[]" for n, column in enumerate(columns, 1))
    insert = f"insert into audit.assignment_history ({names}) select * from unnest({arrays})"
    database = await asyncpg.connect(dsn, server_settings={"role": "marquee_audit"})
    began = time.perf_counter()
    for start in range(0, number, BATCH):
        async with database.transaction():
            await database.execute("select set_config('app.tenant', 'default', true)")
            await database.execute(insert, *zip(*rows[start : start + BATCH], strict=True))
    seconds = time.perf_counter() - began
    await database.close()
    return number / seconds


async def _know(dsn: str, learned: dict[str, list[asyncpg.Record]]) -> None:
    """Let the baseline's tables know whom the rows refer to."""
    database = await asyncpg.connect(dsn)
    for table, rows in learned.items():
        marks = ", ".join(f"${n}" for n in range(1, len(rows[0]) + 1))
        insert = f"insert into audit.{table} ({', '.join(rows[0].keys())}) values ({marks})"
        await database.executemany(f"{insert} on conflict do nothing", rows)
    await database.close()


def _assignments(number: int) -> list[Message]:
    now, admin = datetime.now(UTC), UUID(int=1)
    return [
        seal(
            AssetAssigned(
                assignment_id=uuid7(),
                operation_id=uuid7(),
                asset_id=UUID(int=2 + turn % ASSETS),
                user_id=UUID(int=100 + turn % USERS),
                previous_asset_id=None,
                undo_expires_at=now,
            ),
            ident=uuid7(),
            time=now,
            context=Context("default", Actor.user(admin)),
        )
        for turn in range(number)
    ]


async def _lag(bench: Bench) -> None:
    """From a change's own time to that of its sealed entry, while 100 a second come."""
    house = await bench.house()
    assets, users = await house.assets(2), await house.users(LANES)
    lanes = [
        [Shot("assign", "POST", f"/api/admin/assets/{a}/assign", {"user_id": u}) for a in assets]
        for u in users
    ]
    lasting = bench.size(5, 2)
    database = await asyncpg.connect(house.product.place.admin_dsn)

    async def lag() -> float:
        begun = await database.fetchval("select clock_timestamp()")
        await fire(house.plan(lanes, lasting=lasting, every=EVERY))
        await house.product.settled()
        seconds = await database.fetchval(
            "select percentile_disc(0.99) within group (order by "
            "extract(epoch from recorded_at - performed_at)) "
            "from audit.assignment_history where performed_at > $1",
            begun,
        )
        return float(seconds)

    found = await bench.times(lag)
    await database.close()
    bench.report(alone("audit_ingest.seal_lag_p99", TARGETS, found))
