"""``assign_rps``: assignments through the gateway by 32 clients, against a bare handler."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from benchmarks.assignment import bare_assignment
from benchmarks.bench import Bench
from benchmarks.figures import compared, times_at_least, times_at_most
from benchmarks.load import Outcome, Plan, Shot, fire
from benchmarks.usage import watched

TARGETS = {
    "assign_rps.rate": times_at_least(0.6, "requests/s"),
    "assign_rps.p99": times_at_most(2.5, "ms"),
}
CLIENTS = 32


async def measure(bench: Bench) -> None:
    """Every request gives a user another asset; the same requests go to both."""
    house = await bench.house()
    assets, users = await house.assets(4), await house.users(bench.size(1000, 200))
    times = {"lasting": bench.size(6, 2), "warm": 1}
    # Two assets in one run, two others in the next: nobody is given what they have.
    lanes = [_lanes(assets[:2], users), _lanes(assets[2:], users)]
    our_turns, their_turns = cycle(lanes), cycle(lanes)
    notes: dict[str, float] = {}

    async def ours() -> Outcome:
        async with watched(*house.product.pids) as usage:
            outcome = await fire(house.plan(next(our_turns), **times))
        assert set(outcome.statuses) == {"201"}, outcome.statuses
        notes.update(usage.notes(), p50_ms=outcome.percentile(0.5))
        await house.product.settled()
        return outcome

    async with bare_assignment(bench.stage, house) as plain:

        async def theirs() -> Outcome:
            return await fire(Plan(plain.url, next(their_turns), **times))

        pairs = await bench.pairs(ours, theirs)
    bench.report(compared("assign_rps.rate", TARGETS, pairs, lambda each: each.rate, **notes))
    bench.report(compared("assign_rps.p99", TARGETS, pairs, lambda each: each.percentile(0.99)))


def _lanes(assets: Sequence[str], users: Sequence[str]) -> list[list[Shot]]:
    """For each client the requests that give its users one asset, then the other."""
    return [
        [
            Shot("assign", "POST", f"/api/admin/assets/{asset}/assign", {"user_id": user})
            for asset in assets
            for user in users[client::CLIENTS]
        ]
        for client in range(CLIENTS)
    ]
