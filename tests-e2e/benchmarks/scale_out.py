"""``scale_out``: 1, 2, 4 and 8 workers on jobs that only sleep."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import asyncpg

from benchmarks import films
from benchmarks.bench import Bench
from benchmarks.figures import alone, at_least
from benchmarks.pile import until
from benchmarks.sleeper import SECONDS

TARGETS = {"scale_out": at_least(0.9, "of linear")}
WORKERS = (1, 2, 4, 8)
EACH = 2
_OPEN = "select count(*) from converter.queue_jobs where status in ('pending', 'processing')"


async def measure(bench: Bench) -> None:
    """Each worker is a process with one slot, and gets two jobs, however many workers there are."""
    taken = {number: await _seconds(bench, number) for number in WORKERS}
    linear = {f"of_{number}": round(taken[1] / taken[number], 3) for number in WORKERS}
    bench.report(alone("scale_out", TARGETS, [min(linear.values())], **linear))


async def _seconds(bench: Bench, workers: int) -> float:
    """From the start of the workers' work on what waits for them to its end."""
    settings = {"MARQUEE_CONVERTER_SLOTS": "1", SECONDS: str(bench.size(3, 1))}
    sources = await films.short_films(bench, EACH * workers)
    async with AsyncExitStack() as stack:
        product = await stack.enter_async_context(
            bench.stage.product(program="benchmarks.sleeper", **settings)
        )
        for _ in range(workers - 1):
            await stack.enter_async_context(
                product.place.running("converter-worker", program="benchmarks.sleeper", **settings)
            )
        database = await asyncpg.connect(product.place.admin_dsn)

        async def done() -> bool:
            return not await database.fetchval(_OPEN)

        began = time.perf_counter()
        await asyncio.gather(*map(product.client.upload, sources))
        await until(done)
        seconds = time.perf_counter() - began
        await database.close()
        return seconds
