"""``notify_latency``: from the commit to the frame, on 1,000 sockets, with 20 events a second."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most
from benchmarks.listeners import listening
from benchmarks.load import Shot, fire, percentile
from benchmarks.notifier import SOCKETS, notified

TARGETS = {"notify_latency": at_most(250, "ms")}
LANES, EVERY = 4, 0.2


async def measure(bench: Bench) -> None:
    """Every assignment is an event that all sockets follow; its time is that of its change."""
    async with notified(bench) as here:
        assets, users = await here.house.assets(2), await here.house.users(LANES)
        number = bench.size(SOCKETS, 200)
        rounds = bench.size(5, 2)
        lanes = [
            [
                Shot("assign", "POST", f"/api/admin/assets/{asset}/assign", {"user_id": user})
                for _ in range(rounds * 2)
                for asset in assets
            ]
            for user in users
        ]
        async with listening(here.url, number, here.headers) as listeners:

            async def p99() -> tuple[float, float]:
                outcome = await fire(here.house.plan(lanes, every=EVERY))
                ages = (await listeners.told(outcome.answered * number))["ages"]
                return percentile(ages, 0.99), percentile(ages, 0.5)

            found = await bench.times(p99)
    p50 = found[-1][1]
    bench.report(alone("notify_latency", TARGETS, [each[0] for each in found], p50_ms=p50))
