"""``enqueue_rate``: jobs accepted into the queue in a minute, and worked off it.

Accepted means: hashed, looked at, synced to disk, and its asset, job and ticket committed. Bytes
that were converted before need no look and no conversion, so that it is the queue that is measured;
of bytes never seen before each is looked at, where others convert.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from benchmarks import films
from benchmarks.bench import Bench
from benchmarks.figures import alone, at_least
from benchmarks.load import Outcome, Plan, Shot, fire
from benchmarks.pile import until
from benchmarks.stage import Product
from harness.clips import make_clip

TARGETS = {
    "enqueue_rate": at_least(6_000, "jobs/min"),
    "enqueue_rate.done": at_least(1_000, "jobs/min"),
    "enqueue_rate.new": at_least(1_000, "jobs/min"),
}
CLIENTS = 8
MOST = 40  # uploads of a client in a second
_UNLIMITED = {"MARQUEE_UPLOAD_RATE": "1000000/minute"}
_WAITING = "select count(*) from converter.queue_jobs where status not in ('completed', 'failed')"


async def measure(bench: Bench) -> None:
    """Uploads of a film that was converted before, and of films that are all new."""
    film = make_clip(bench.directory / "tiny.mp4", seconds=0.5, size="64x48", sound=False)
    await _known(bench, film)
    await _new(bench, film)


async def _known(bench: Bench, film: Path) -> None:
    async with bench.stage.product(**_UNLIMITED) as product:
        database = await asyncpg.connect(product.place.admin_dsn)
        first = await product.client.upload(film)
        await product.client.completed(first["id"])

        async def empty() -> bool:
            return not await database.fetchval(_WAITING)

        async def rates() -> tuple[float, float]:
            began = time.perf_counter()
            outcome = await _upload(bench, product, [[film]] * CLIENTS)
            await until(empty)
            taken = time.perf_counter() - began
            return outcome.rate * 60, outcome.answered / taken * 60

        found = await bench.times(rates)
        await database.close()
    bench.report(alone("enqueue_rate", TARGETS, [each[0] for each in found]))
    bench.report(alone("enqueue_rate.done", TARGETS, [each[1] for each in found]))


async def _new(bench: Bench, film: Path) -> None:
    each = bench.size(8, 3) * MOST
    async with bench.stage.product(MARQUEE_CONVERTER_SLOTS="0", **_UNLIMITED) as product:

        async def rate() -> float:
            lanes = [[films.renewed(film) for _ in range(each)] for _ in range(CLIENTS)]
            outcome = await _upload(bench, product, lanes)
            for source in (source for lane in lanes for source in lane):
                source.unlink()
            return outcome.rate * 60

        bench.report(alone("enqueue_rate.new", TARGETS, await bench.times(rate)))


async def _upload(bench: Bench, product: Product, lanes: Sequence[Sequence[Path]]) -> Outcome:
    path = "/api/admin/assets?filename=tiny.mp4"
    shots = [[Shot("upload", "POST", path, film=str(film)) for film in lane] for lane in lanes]
    client = product.client
    return await fire(Plan(client.url, shots, client.headers(), lasting=bench.size(8, 3)))
