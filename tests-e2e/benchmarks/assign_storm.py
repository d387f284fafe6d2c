"""``assign_storm``: 1,000 assignments in flight at once, each on a connection of its own."""

from __future__ import annotations

from itertools import cycle

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_least, at_most
from benchmarks.load import Outcome, Shot, fire

TARGETS = {"assign_storm.p99": at_most(2, "s"), "assign_storm.answered": at_least(1000, "requests")}


async def measure(bench: Bench) -> None:
    """All at the same moment, each for another user; a refusal or a lost one is an error."""
    house = await bench.house()
    assets, users = cycle(await house.assets(2)), await house.users(1000)

    async def storm() -> Outcome:
        path = f"/api/admin/assets/{next(assets)}/assign"
        lanes = [[Shot("assign", "POST", path, {"user_id": user})] for user in users]
        outcome = await fire(house.plan(lanes))
        await house.product.settled()
        return outcome

    found = await bench.times(storm)
    p99 = [each.percentile(0.99) / 1000 for each in found]
    p50 = found[-1].percentile(0.5) / 1000
    bench.report(alone("assign_storm.p99", TARGETS, p99, p50_s=p50, per_second=found[-1].rate))
    bench.report(alone("assign_storm.answered", TARGETS, [each.answered for each in found]))
