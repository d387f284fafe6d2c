"""``enqueue_rate``: jobs accepted into the queue in a minute, and worked off it."""

from __future__ import annotations

import time

import asyncpg

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_least
from benchmarks.load import Plan, Shot, fire
from benchmarks.pile import until
from harness.clips import make_clip

TARGETS = {
    "enqueue_rate": at_least(6_000, "jobs/min"),
    "enqueue_rate.done": at_least(1_000, "jobs/min"),
}
CLIENTS = 8
_WAITING = "select count(*) from converter.queue_jobs where status not in ('completed', 'failed')"


async def measure(bench: Bench) -> None:
    """Uploads of one film, examined each; after the first, their jobs need no conversion."""
    film = make_clip(bench.directory / "tiny.mp4", seconds=0.5, size="64x48", sound=False)
    shot = Shot("upload", "POST", "/api/admin/assets?filename=tiny.mp4", film=str(film))
    seconds = bench.size(8, 3)
    async with bench.stage.product(MARQUEE_UPLOAD_RATE="1000000/minute") as product:
        database = await asyncpg.connect(product.place.admin_dsn)
        first = await product.client.upload(film)
        await product.client.completed(first["id"])

        async def empty() -> bool:
            return not await database.fetchval(_WAITING)

        async def rates() -> tuple[float, float]:
            headers = product.client.headers()
            began = time.perf_counter()
            lanes = [[shot]] * CLIENTS
            outcome = await fire(Plan(product.client.url, lanes, headers, lasting=seconds))
            await until(empty)
            taken = time.perf_counter() - began
            return outcome.rate * 60, outcome.answered / taken * 60

        found = await bench.times(rates)
        await database.close()
    done = [each[1] for each in found]
    bench.report(alone("enqueue_rate", TARGETS, [each[0] for each in found]))
    bench.report(alone("enqueue_rate.done", TARGETS, done))
