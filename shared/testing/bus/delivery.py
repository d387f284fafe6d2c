"""Topics, competition, batches, and what becomes of what was not acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from shared.bus.port import Delivery, NotNow, Outcome
from shared.contracts.context import Context
from shared.contracts.envelope import Message, seal
from shared.testing.bus.kit import (
    BusKit,
    Recorder,
    Stuck,
    completed,
    empty,
    eventually,
    now,
    on,
    progress,
    ticket,
)


class DeliveryConformance:
    """Inherit, and give ``kit``."""

    async def test_reaches_every_bound_queue_and_no_other(self, kit: BusKit) -> None:
        bus = await kit.bus()
        alpha, beta, gamma = Recorder(), Recorder(), Recorder()
        for queue, recorder in zip(kit.names.queues, (alpha, beta, gamma), strict=True):
            bus.subscribe(on(queue, recorder))
        both, one = await kit.send(bus, ticket(), completed())
        await alpha.got(2)
        await beta.got(1)
        assert set(alpha.ids) == {both, one}
        assert beta.ids == [both]
        assert gamma.ids == []
        assert await kit.waiting_in_outbox() == 0

    async def test_a_message_arrives_as_it_was_sealed(self, kit: BusKit) -> None:
        bus = await kit.bus()
        event = ticket()
        (ident,) = await kit.emit(event)
        (sent,) = await kit.sender.batch(10)
        recorder = Recorder()
        bus.subscribe(on(kit.names.beta, recorder))
        await kit.relay(bus)
        await recorder.got(1)
        assert recorder.deliveries == [Delivery(sent, attempt=0)]
        assert (sent.id, sent.name, sent.body) == (ident, event.name, event.body())

    async def test_waits_for_consumers_that_come_late(self, kit: BusKit) -> None:
        bus = await kit.bus()
        sent = await kit.send(bus, *(ticket() for _ in range(30)))
        assert (await bus.depth(kit.names.beta.name)).ready == 30
        recorder = Recorder()
        bus.subscribe(on(kit.names.beta, recorder, batch=10))
        await recorder.got(30)
        assert recorder.ids == sent
        assert 10 in map(len, recorder.batches)
        assert max(map(len, recorder.batches)) == 10
        await empty(bus, kit.names.beta)

    async def test_subscribers_of_a_queue_compete(self, kit: BusKit) -> None:
        bus = await kit.bus()
        first, second = _Slow(), _Slow()
        bus.subscribe(on(kit.names.beta, first))
        bus.subscribe(on(kit.names.beta, second))
        sent = await kit.send(bus, *(ticket() for _ in range(40)))
        await eventually(lambda: len(first.ids + second.ids) == 40, "all delivered")
        assert sorted(first.ids + second.ids) == sorted(sent)
        assert first.ids
        assert second.ids

    async def test_calls_run_side_by_side_up_to_the_concurrency(self, kit: BusKit) -> None:
        bus = await kit.bus()
        slow = _Slow()
        bus.subscribe(on(kit.names.beta, slow, concurrency=3))
        await kit.send(bus, *(ticket() for _ in range(12)))
        await slow.got(12)
        assert slow.most_at_once == 3

    async def test_a_handler_that_raises_gets_the_message_again(self, kit: BusKit) -> None:
        bus = await kit.bus()
        failing = _FailsAtFirst(times=2)
        bus.subscribe(on(kit.names.beta, failing))
        sent = await kit.send(bus, ticket())
        await failing.got(1)
        assert failing.ids == sent
        assert failing.deliveries[0].attempt == 0
        await empty(bus, kit.names.beta)

    async def test_what_a_dead_process_held_goes_to_another(self, kit: BusKit) -> None:
        dying = await kit.bus()
        stuck = Stuck()
        dying.subscribe(on(kit.names.beta, stuck))
        sent = await kit.send(dying, ticket(), ticket())
        await stuck.began.wait()
        await dying.close()
        heir, recorder = await kit.bus(), Recorder()
        heir.subscribe(on(kit.names.beta, recorder))
        await recorder.got(2)
        assert sorted(recorder.ids) == sorted(sent)
        assert {delivery.attempt for delivery in recorder.deliveries} == {0}

    async def test_stop_lets_a_running_handler_finish(self, kit: BusKit) -> None:
        bus = await kit.bus()
        stuck = Stuck()
        bus.subscribe(on(kit.names.beta, stuck))
        _, second = await kit.send(bus, ticket(), ticket())
        await stuck.began.wait()
        asyncio.get_running_loop().call_later(0.2, stuck.let_go.set)
        await bus.stop(grace=10)
        assert not stuck.cancelled
        heir, recorder = await kit.bus(), Recorder()
        heir.subscribe(on(kit.names.beta, recorder))
        await recorder.got(1)
        assert recorder.ids == [second]

    async def test_stop_ends_a_handler_after_its_grace(self, kit: BusKit) -> None:
        bus = await kit.bus()
        stuck = Stuck()
        bus.subscribe(on(kit.names.beta, stuck))
        sent = await kit.send(bus, ticket())
        await stuck.began.wait()
        await bus.stop(grace=0.1)
        assert stuck.cancelled
        heir, recorder = await kit.bus(), Recorder()
        heir.subscribe(on(kit.names.beta, recorder))
        await recorder.got(1)
        assert recorder.ids == sent
        assert recorder.deliveries[0].attempt == 0

    async def test_broadcasts_reach_listeners_and_no_queue(self, kit: BusKit) -> None:
        bus = await kit.bus()
        heard: list[Message] = []

        async def listener(message: Message) -> None:
            heard.append(message)

        bus.listen(progress(0).name, listener)
        sent = seal(progress(50), ident=uuid4(), time=now(), context=Context("default"))
        other = seal(ticket(), ident=uuid4(), time=now(), context=Context("default"))

        async def is_heard() -> bool:
            await bus.broadcast(other)
            await bus.broadcast(sent)
            return bool(heard)

        await eventually(is_heard, "a broadcast is heard")
        assert set(map(_whole, heard)) == {_whole(sent)}
        assert (await bus.depth(kit.names.gamma.name)).ready == 0

    async def test_a_failing_listener_hears_the_next_one(self, kit: BusKit) -> None:
        bus = await kit.bus()
        heard: list[bytes] = []

        async def listener(message: Message) -> None:
            heard.append(message.body)
            raise RuntimeError("cannot listen")

        bus.listen(progress(0).name, listener)

        async def heard_two() -> bool:
            await bus.broadcast(
                seal(progress(1), ident=uuid4(), time=now(), context=Context("default"))
            )
            return len(heard) >= 2

        await eventually(heard_two, "two broadcasts heard")


class _Slow(Recorder):
    """Takes a moment for each call."""

    def __init__(self) -> None:
        super().__init__()
        self.most_at_once = self._at_once = 0

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0.03)
        self._at_once -= 1
        return await super().__call__(deliveries)


class _FailsAtFirst(Recorder):
    """Raises a few times before it works."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        if self._times:
            self._times -= 1
            raise NotNow("in a moment")
        return await super().__call__(deliveries)


def _whole(message: Message) -> tuple[UUID, str, tuple[tuple[str, str], ...], bytes]:
    return message.id, message.name, tuple(sorted(message.headers.items())), message.body
