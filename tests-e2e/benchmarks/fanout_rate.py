"""``fanout_rate``: events to all of 1,000 sockets, against a naive loop that writes the same."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most, compared, times_at_least
from benchmarks.listeners import Listeners, listening
from benchmarks.notifier import SOCKETS, notified
from benchmarks.pile import channel_of, publish, uploads
from benchmarks.stage import bare
from benchmarks.usage import watched

TARGETS = {
    "fanout_rate": times_at_least(1.0, "frames/s"),
    "fanout_rate.memory": at_most(20, "KiB a socket"),
}


async def measure(bench: Bench) -> None:
    """A burst of events; the time counts from the first frame at a socket to the last at any."""
    number, events = bench.size(SOCKETS, 200), bench.size(100, 20)
    async with (
        notified(bench) as here,
        bare("fanout_bare") as plain,
        channel_of(here.house.product.place.amqp_url) as channel,
        watched(here.pid) as usage,
        listening(here.url, number, here.headers) as at_ours,
        listening(plain.url, number) as at_theirs,
    ):

        async def ours() -> float:
            await publish(channel, uploads(events))
            return await _rate(at_ours, number * events)

        async def theirs() -> float:
            async with bench.stage.http.post(f"{plain.url}/burst?events={events}") as answer:
                answer.raise_for_status()
            return await _rate(at_theirs, number * events)

        pairs = await bench.pairs(ours, theirs)
    bench.report(compared("fanout_rate", TARGETS, pairs, float))
    bench.report(alone("fanout_rate.memory", TARGETS, [usage.growth / 1024 / number]))


async def _rate(listeners: Listeners, frames: int) -> float:
    told = await listeners.told(frames)
    return float(frames / (told["last"] - told["first"]))
