"""Retries, parking and replay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

from shared.bus.port import Ack, Outcome, Park, Retry
from shared.contracts.converter import TicketIssued
from shared.testing.bus.kit import (
    BusKit,
    Recorder,
    empty,
    eventually,
    on,
    parked,
    ticket,
)
from shared.testing.figures import figure


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

    async def test_figures_tell_what_became_of_messages(self, kit: BusKit) -> None:
        bus, queue = await kit.bus(), kit.names.beta.name

        def ended() -> dict[str, float]:
            name, outcomes = (
                "marquee_consumer_messages_total",
                ("acknowledged", "retried", "parked"),
            )
            return {each: figure(name, queue=queue, outcome=each) for each in outcomes}

        before = ended()
        lagged = figure("marquee_consumer_lag_seconds_count", queue=queue)
        bad: Iterator[Outcome] = iter([Retry("a"), Park("b"), Ack()])
        recorder = Recorder(lambda _: next(bad))
        bus.subscribe(on(kit.names.beta, recorder))
        await kit.send(bus, ticket())
        await parked(bus, kit.names.beta)
        await kit.send(bus, ticket())
        await eventually(lambda: ended()["acknowledged"] > before["acknowledged"], "settled")
        after = ended()
        assert {each: after[each] - before[each] for each in after} == {
            "acknowledged": 1,
            "retried": 1,
            "parked": 1,
        }
        assert figure("marquee_consumer_lag_seconds_count", queue=queue) == lagged + 3
        assert figure("marquee_consumer_duration_seconds_count", queue=queue) >= 3

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
        given_up = await bus.parked(kit.names.beta.name)
        await kit.replay(bus, given_up[1])
        await recorder.got(3)
        assert recorder.deliveries[2].message.id == second
        assert recorder.deliveries[2].attempt == 0
        await parked(bus, kit.names.beta, 1)
        assert [p.message.id for p in await bus.parked(kit.names.beta.name)] == [first]

    async def test_a_replay_reaches_only_the_queue_that_gave_up(self, kit: BusKit) -> None:
        bus = await kit.bus()
        alpha, beta = Recorder(), Recorder(lambda _: Park("no"))
        bus.subscribe(on(kit.names.alpha, alpha))
        bus.subscribe(on(kit.names.beta, beta))
        await kit.send(bus, ticket())
        await parked(bus, kit.names.beta)
        (given_up,) = await bus.parked(kit.names.beta.name)
        await kit.replay(bus, given_up)
        await beta.got(2)
        assert len(alpha.ids) == 1

    async def test_parked_again_after_a_replay_it_is_another_parking(self, kit: BusKit) -> None:
        bus = await kit.bus()
        bus.subscribe(on(kit.names.beta, Recorder(lambda _: Park("still no"))))
        (ident,) = await kit.send(bus, ticket())
        await parked(bus, kit.names.beta)
        (first,) = await bus.parked(kit.names.beta.name)
        await kit.replay(bus, first)

        async def is_parked_again() -> bool:
            found = await bus.parked(kit.names.beta.name)
            return [p.replays for p in found] == [1]

        await eventually(is_parked_again, "parked again")
        (second,) = await bus.parked(kit.names.beta.name)
        assert (first.replays, first.message.id) == (0, ident)
        assert second.message.id == ident
        assert second.id != first.id
        assert second.message.name == TicketIssued.name

    async def test_discarding_forgets_what_is_named_and_nothing_else(self, kit: BusKit) -> None:
        bus = await kit.bus()
        bus.subscribe(on(kit.names.beta, Recorder(lambda _: Park("no"))))
        await kit.send(bus, ticket(), ticket())
        await parked(bus, kit.names.beta, 2)
        first, second = await bus.parked(kit.names.beta.name)
        assert await bus.discard(kit.names.beta.name, [uuid4()]) == 0
        assert await bus.discard(kit.names.beta.name, [first.id]) == 1
        assert [p.id for p in await bus.parked(kit.names.beta.name)] == [second.id]

    async def test_says_how_deep_a_queue_is_and_who_consumes(self, kit: BusKit) -> None:
        bus = await kit.bus()
        await kit.send(bus, ticket())

        async def one_waits() -> bool:
            depth = await bus.depth(kit.names.beta.name)
            return (depth.ready, depth.consumers) == (1, 0)

        await eventually(one_waits, "one waits")
        bus.subscribe(on(kit.names.beta, Recorder()))

        async def is_consumed() -> bool:
            depth = await bus.depth(kit.names.beta.name)
            return (depth.ready, depth.consumers) == (0, 1)

        await eventually(is_consumed, "somebody consumes")
        assert await bus.missing() == []
        assert bus.version()
