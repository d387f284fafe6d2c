"""``upload_stream``: 500 MiB through the gateway, against a bare one that also hashes and syncs."""

from __future__ import annotations

from benchmarks import films
from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most, compared, times_at_least
from benchmarks.load import Plan, Shot, fire
from benchmarks.stage import bare
from benchmarks.usage import MIB, watched
from harness.client import Client

TARGETS = {
    "upload_stream": times_at_least(0.8, "MiB/s"),
    "upload_stream.memory": at_most(32, "MiB more"),
}


async def measure(bench: Bench) -> None:
    """A short film with a long tail, so that its conversion is none of what is measured."""
    (short,) = await films.short_films(bench, 1)
    size = bench.size(500, 50) * MIB
    large = films.renewed(short, size - short.stat().st_size - 8)
    path = "/api/admin/assets?filename=large.mp4"
    shot = Shot("upload", "POST", path, film=str(large))
    grown: list[float] = []
    spool = bench.directory / "spool"
    async with bench.stage.product() as product, bare("upload_bare", str(spool)) as plain:

        async def ours() -> float:
            async with watched(*product.pids, family=False) as usage:
                plan = Plan(product.client.url, [[shot]], product.client.headers())
                outcome = await fire(plan)
            grown.append(usage.growth / MIB)
            await _tidy(product.client)
            return size / MIB / outcome.seconds

        async def theirs() -> float:
            return size / MIB / (await fire(Plan(plain.url, [[shot]]))).seconds

        pairs = await bench.pairs(ours, theirs)
    bench.report(compared("upload_stream", TARGETS, pairs, float))
    bench.report(alone("upload_stream.memory", TARGETS, grown[1:]))


async def _tidy(client: Client) -> None:
    """Let the conversion end before the next is measured."""
    page = await client.get("/api/admin/assets", limit=1)
    await client.completed(page["items"][0]["id"])
