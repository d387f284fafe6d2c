"""Retries, parking and replay."""

from __future__ import annotations

from itertools import pairwise
from uuid import uuid4

from shared.bus.port import Ack, Park, Retry
from shared.testing.bus.kit import (
    BusKit,
    Recorder,
    empty,
    on,
    parked,
    ticket,
)


class RetryConformance:
    """Inherit, and give ``kit``."""

    async def test_retries_with_growing_delays_then_parks(self, kit: BusKit) -> None:
        bus = await kit.bus()
        recorder = Recorder(lambda _: Retry("not yet"))
        bus.subscribe(on(kit.names.beta, recorder))
        (ident,) = await kit.send(bus, ticket())
        await parked(bus, kit.names.beta)
        assert [delivery.attempt for delivery in recorder.deliveries] == [0, 1, 2]
        assert recorder.ids == [ident] * 3
        waits = [later - earlier for earlier, later in pairwise(recorder.times)]
        assert all(wait >= delay for wait, delay in zip(waits, kit.delays, strict=True))
        (given_up,) = await bus.parked(kit.names.beta.name)
        assert (given_up.queue, given_up.message.id) == (kit.names.beta.name, ident)
        assert (given_up.reason, given_up.attempts) == ("not yet", 3)

    async def test_a_retry_holds_up_nobody(self, kit: BusKit) -> None:
        bus = await kit.bus()
        recorder = Recorder(lambda d: Ack() if d.attempt else Retry("once"))
        bus.subscribe(on(kit.names.beta, recorder))
        sent = await kit.send(bus, ticket(), ticket(), ticket())
        await recorder.got(6)
        assert sorted(recorder.ids[:3]) == sorted(recorder.ids[3:]) == sorted(sent)
        await empty(bus, kit.names.beta)

    async def test_only_the_queue_that_failed_gets_a_retry(self, kit: BusKit) -> None:
        bus = await kit.bus()
        alpha = Recorder()
        beta = Recorder(lambda d: Ack() if d.attempt else Retry("once"))
        bus.subscribe(on(kit.names.alpha, alpha))
        bus.subscribe(on(kit.names.beta, beta))
        await kit.send(bus, ticket())
        await beta.got(2)
        assert len(alpha.ids) == 1

    async def test_a_retry_survives_a_restart(self, kit: BusKit) -> None:
        bus = await kit.bus()
        failing = Recorder(lambda _: Retry("later"))
        bus.subscribe(on(kit.names.beta, failing))
        sent = await kit.send(bus, ticket())
        await failing.got(1)
        await bus.stop(grace=5)
        await bus.close()
        heir, recorder = await kit.bus(), Recorder()
        heir.subscribe(on(kit.names.beta, recorder))
        await recorder.got(1)
        assert recorder.ids == sent
        assert recorder.deliveries[0].attempt >= 1

    async def test_parks_at_once_what_is_beyond_help(self, kit: BusKit) -> None:
        bus = await kit.bus()
        recorder = Recorder(lambda _: Park("nonsense"))
        bus.subscribe(on(kit.names.beta, recorder))
        first, second = await kit.send(bus, ticket(), ticket())
        await parked(bus, kit.names.beta, 2)
        assert len(recorder.ids) == 2
        for _ in range(2):  # looking changes nothing
            found = await bus.parked(kit.names.beta.name)
            assert [(p.message.id, p.reason, p.attempts) for p in found] == [
                (first, "nonsense", 1),
                (second, "nonsense", 1),
            ]
        assert len(await bus.parked(kit.names.beta.name, limit=1)) == 1

    async def test_replays_a_parked_message_as_a_first_attempt(self, kit: BusKit) -> None:
        bus = await kit.bus()
        mended = False
        recorder = Recorder(lambda _: Ack() if mended else Park("a bug"))
        bus.subscribe(on(kit.names.beta, recorder))
        first, second = await kit.send(bus, ticket(), ticket())
        await parked(bus, kit.names.beta, 2)
        mended = True
        assert await bus.replay(kit.names.beta.name, second)
        await recorder.got(3)
        assert recorder.deliveries[2].message.id == second
        assert recorder.deliveries[2].attempt == 0
        await parked(bus, kit.names.beta, 1)
        assert [p.message.id for p in await bus.parked(kit.names.beta.name)] == [first]

    async def test_replaying_what_is_not_parked_does_nothing(self, kit: BusKit) -> None:
        bus = await kit.bus()
        assert not await bus.replay(kit.names.beta.name, uuid4())
        assert (await bus.depth(kit.names.beta.name)).ready == 0
