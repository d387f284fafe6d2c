"""Consuming: one channel for each subscription, attached to whatever connection there is now."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from shared.bus import metrics
from shared.bus.port import Ack, BusUnavailable, Delivery, Outcome, Retry, Subscription
from shared.bus.rabbit.connection import PARTING, Timing, broker_errors, in_time
from shared.bus.rabbit.publisher import Publisher
from shared.bus.rabbit.topology import Counts, Topology
from shared.bus.rabbit.wire import attempt_of, from_amqp, tag_of, to_amqp, why
from shared.bus.workers import Workers
from shared.contracts.topology import Queue

log = structlog.get_logger()

_GATHER = 0.005
"""Seconds to wait for more of a batch: what arrives in a burst shares one transaction."""


@dataclass(slots=True, eq=False)
class Held:
    """A delivery on a channel; when the channel is gone the broker gives it to someone else."""

    delivery: Delivery
    incoming: DeliveredMessage
    channel: AbstractChannel
    patience: float
    settled: bool = False

    @property
    def ours(self) -> bool:
        """Whether it can still be settled."""
        return not self.settled and not self.channel.is_closed

    async def ack(self, *, and_before: bool = False) -> None:
        """Forget it at the broker; on a lost channel it will come again, which is harmless.

        ``and_before`` also forgets whatever else came before it on its channel. The client may
        wait for ever to write on a connection that has ended. ``patience`` is so long that it
        cannot be one that still holds the message.
        """
        self.settled = True
        tag = tag_of(self.incoming)
        try:
            with broker_errors():
                async with asyncio.timeout(self.patience):
                    await self.incoming.channel.basic_ack(tag, multiple=and_before)
        except BusUnavailable as error:
            log.debug("ack_lost", message_id=str(self.delivery.message.id), error=str(error))

    async def give_back(self) -> None:
        """Let the broker hand it out again."""
        await self.incoming.channel.basic_nack(tag_of(self.incoming), requeue=True)


class Consumer:
    """Takes messages off one queue for one subscription.

    The callback only puts deliveries aside; the workers that handle them are ours, so they
    outlive any channel.
    """

    def __init__(
        self,
        queue: Queue,
        subscription: Subscription,
        publisher: Publisher,
        topology: Topology,
        on_lost: Callable[[], None],
        *,
        timing: Timing,
    ) -> None:
        self.queue = queue
        self._timing = timing
        self._subscription = subscription
        self._publisher = publisher
        self._topology = topology
        self._on_lost = on_lost
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._tag: str | None = None
        self._stopping = False
        self._waiting: deque[Held] = deque()
        self._something = asyncio.Event()
        self._alive_at = self._now()
        self._workers = Workers(subscription, self._take, self._settle)

    async def tend(self, connection: AbstractConnection, counts: Counts) -> None:
        """Attach to this connection if we are not, or if the queue looks as if we were not."""
        if self._stopping:
            return
        attached = self._attached_to(connection) and counts.consumer_count
        if not attached or self._forgotten(counts):
            if self._connection is connection:  # which has held: somebody took the queue away
                metrics.rebuilt.labels(self.queue.name).inc()
                log.warning("consumer_lost", queue=self.queue.name)
            await self._detach()
            await self._attach(connection)

    async def stop(self, grace: float) -> None:
        """Cancel at the broker, give back what has not begun, finish what has."""
        self._stopping = True
        await _parting(self._cancel())
        await self._workers.stop(grace)
        await _parting(self._detach())

    def _forgotten(self, counts: Counts) -> bool:
        """Whether messages wait although we have long had nothing to do."""
        hungry = self._workers.idle and not self._waiting
        silent = self._now() - self._alive_at
        return bool(counts.message_count) and hungry and silent > self._timing.watch

    def _attached_to(self, connection: AbstractConnection) -> bool:
        open_ = self._channel is not None and not self._channel.is_closed
        return open_ and self._tag is not None and self._connection is connection

    async def _attach(self, connection: AbstractConnection) -> None:
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        channel.close_callbacks.add(lambda *_: self._on_lost())
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(self._cancelled)
        await channel.set_qos(prefetch_count=_prefetch(self._subscription))
        self._channel, self._connection, self._alive_at = channel, connection, self._now()
        # Below the client's own queues, which make an object and a task more of each delivery.
        consuming = await underlay.basic_consume(self.queue.name, partial(self._arrived, channel))
        self._tag = consuming.consumer_tag
        log.info("consuming", queue=self.queue.name)

    async def _detach(self) -> None:
        channel, self._channel, self._tag = self._channel, None, None
        if channel and not channel.is_closed:
            await channel.close()

    async def _cancel(self) -> None:
        if self._channel and self._tag and not self._channel.is_closed:
            tag, self._tag = self._tag, None
            underlay = await self._channel.get_underlay_channel()
            await underlay.basic_cancel(tag)
        waiting = [held for held in self._waiting if held.ours]
        self._waiting.clear()
        for held in waiting:
            await held.give_back()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _cancelled(self, _: object) -> None:
        """The broker cancelled us: the queue was deleted, or its leader moved."""
        self._tag = None
        self._on_lost()

    async def _arrived(self, channel: AbstractChannel, incoming: DeliveredMessage) -> None:
        delivery = Delivery(from_amqp(incoming), attempt_of(incoming))
        self._waiting.append(Held(delivery, incoming, channel, self._timing.dead))
        self._alive_at = self._now()
        self._something.set()

    async def _take(self, limit: int) -> list[Held]:
        await self._arrival()
        if len(self._waiting) < limit:
            await asyncio.sleep(_GATHER)
            await self._arrival()  # a stop may have given back what was there
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    async def _arrival(self) -> None:
        while not self._waiting:
            self._something.clear()
            await self._something.wait()

    async def _settle(self, settled: Sequence[tuple[Held, Outcome]]) -> None:
        """Publish what goes elsewhere, then ack: a crash in between repeats, but loses nothing."""
        in_order = self._subscription.concurrency == 1
        if in_order and all(isinstance(outcome, Ack) for _, outcome in settled):
            await self._ack_in_order([held for held, _ in settled])
            return
        results = await asyncio.gather(
            *(self._settle_one(held, outcome) for held, outcome in settled), return_exceptions=True
        )
        for failure in (result for result in results if result is not None):
            raise failure

    async def _ack_in_order(self, batch: Sequence[Held]) -> None:
        """Ack with one frame for each channel: with a single worker, all before is settled."""
        last = {held.channel: held for held in batch}
        for held in batch:
            held.settled = True
        for held in last.values():
            await held.ack(and_before=True)
        self._count("acknowledged", len(batch))

    def _count(self, outcome: str, messages: int = 1) -> None:
        metrics.settled.labels(self.queue.name, outcome).inc(messages)

    async def _settle_one(self, held: Held, outcome: Outcome) -> None:
        attempt, became = held.delivery.attempt, "acknowledged"
        if not isinstance(outcome, Ack):
            later = self._topology.retry(attempt) if isinstance(outcome, Retry) else None
            became = "retried" if later else "parked"
            message = to_amqp(held.delivery.message, attempt=attempt + 1, notes=why(outcome.reason))
            key = self.queue.name if later else self.queue.parked
            await self._publisher.publish(message, exchange=later or "", key=key)
        await held.ack()
        self._count(became)


async def _parting(action: Awaitable[None]) -> None:
    """Do this if the broker lets us; a lost connection has the same effect."""
    try:
        await in_time(action, PARTING)
    except BusUnavailable as error:
        log.debug("parting_failed", error=str(error))


def _prefetch(subscription: Subscription) -> int:
    """What we hold at most: for batches the next one too, so that it forms meanwhile."""
    held = subscription.batch * subscription.concurrency
    return held if subscription.batch == 1 else 2 * held
