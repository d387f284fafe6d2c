"""``undo_latency``: how long an undo takes at moderate load, 100 requests a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.assignment import bare_assignment
from benchmarks.bench import Bench
from benchmarks.figures import at_most, compared
from benchmarks.load import Outcome, Plan, Shot, fire

TARGETS = {"undo_latency.p99": at_most(100, "ms"), "undo_latency.assign_p99": at_most(500, "ms")}
LANES, EVERY = 20, 0.2


async def measure(bench: Bench) -> None:
    """Each lane gives its user its own asset, takes it back 0.2 s later, and begins again."""
    house = await bench.house()
    first, *assets = await house.assets(LANES + 1)
    users = await house.users(LANES)
    times = {"every": EVERY, "lasting": bench.size(6, 2), "warm": 1}
    before = [[_assign(first, user)] for user in users]
    lanes = _lanes(assets, users)
    await fire(house.plan(before))

    async def ours() -> Outcome:
        outcome = await fire(house.plan(lanes, **times))
        await house.product.settled()
        return outcome

    async with bare_assignment(bench.stage, house) as plain:
        await fire(Plan(plain.url, before))

        async def theirs() -> Outcome:
            return await fire(Plan(plain.url, lanes, **times))

        pairs = await bench.pairs(ours, theirs)
    p50 = pairs.ours[-1].percentile(0.5, "undo")
    bench.report(compared("undo_latency.p99", TARGETS, pairs, _p99("undo"), p50_ms=p50))
    bench.report(compared("undo_latency.assign_p99", TARGETS, pairs, _p99("assign")))


def _p99(label: str) -> Callable[[Outcome], float]:
    return lambda outcome: outcome.percentile(0.99, label)


def _assign(asset: str, user: str) -> Shot:
    return Shot("assign", "POST", f"/api/admin/assets/{asset}/assign", {"user_id": user})


def _lanes(assets: Sequence[str], users: Sequence[str]) -> list[list[Shot]]:
    return [
        [_assign(asset, user), Shot("undo", "POST", f"/api/admin/assets/{asset}/undo-assign")]
        for asset, user in zip(assets, users, strict=True)
    ]
