"""``consume_rate``: a consumer with inbox and effect, against a bare one that runs the same SQL."""

from __future__ import annotations

import time

import asyncpg

from benchmarks.bench import Bench
from benchmarks.figures import compared, times_at_least
from benchmarks.pile import channel_of, frozen, new_users, publish, until
from benchmarks.stage import bare
from benchmarks.usage import watched

TARGETS = {"consume_rate": times_at_least(0.6, "events/s")}


async def measure(bench: Bench) -> None:
    """News of people pile up before a consumer that is frozen; time counts from its thaw."""
    number = bench.size(10_000, 2_000)
    notes: dict[str, float] = {}
    async with (
        bench.stage.place() as place,
        place.running("assignment") as process,
        bench.stage.place() as other,
        bench.stage.database("assignment") as tables,
        bare("consume_bare", other.amqp_url, tables.dsn) as plain,
    ):

        async def ours() -> float:
            async with watched(process.pid) as usage:
                rate = await _drained(place.amqp_url, place.admin_dsn, process.pid, number)
            notes.update(usage.notes())
            return rate

        async def theirs() -> float:
            return await _drained(other.amqp_url, tables.admin_dsn, plain.pid, number)

        pairs = await bench.pairs(ours, theirs)
    bench.report(compared("consume_rate", TARGETS, pairs, float, **notes))


async def _drained(amqp_url: str, dsn: str, pid: int, number: int) -> float:
    """How many a second a process took in, until all effects were committed."""
    database = await asyncpg.connect(dsn)
    await database.execute("truncate assignment.inbox")

    async def through() -> bool:
        return bool(await database.fetchval("select count(*) from assignment.inbox") >= number)

    async with channel_of(amqp_url) as channel:
        with frozen(pid):
            await publish(channel, new_users(number))
        began = time.perf_counter()
        await until(through)
        seconds = time.perf_counter() - began
    known = await database.fetchval("select count(*) from assignment.users where known")
    assert known >= number, "an effect is missing"
    await database.close()
    return number / seconds
