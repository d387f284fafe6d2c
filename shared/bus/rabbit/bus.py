"""The bus on RabbitMQ: wiring of its parts, and the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from aio_pika.abc import AbstractConnection

from shared.bus.broadcast import Listeners
from shared.bus.leader import Leadership
from shared.bus.outbox import Outbox
from shared.bus.port import (
    BusUnavailable,
    Depth,
    Listener,
    ParkedMessage,
    Subscription,
    Unroutable,
)
from shared.bus.rabbit.connection import Link, Timing
from shared.bus.rabbit.consumer import Consumer
from shared.bus.rabbit.ear import Ear
from shared.bus.rabbit.parking import Parking
from shared.bus.rabbit.publisher import Outlet, Publisher, Scatterer
from shared.bus.rabbit.topology import Topology, declare
from shared.bus.rabbit.wire import to_amqp
from shared.contracts.envelope import Message

_BATCH = 200
"""Outbox rows published together; less than the publisher's window."""

_PUBLISHES = "marquee publishes"
_CONSUMES = "marquee consumes"


class RabbitBus:
    """Two connections, because a broker short of memory stops reading from those that publish.

    The consuming one also declares the topology, so that this goes on meanwhile.
    """

    def __init__(
        self, url: str, *, topology: Topology | None = None, timing: Timing | None = None
    ) -> None:
        self._topology = topology or Topology()
        self._timing = timing or Timing()
        self._publishing = Link(url, _PUBLISHES, self._tend_publishing, self._timing)
        self._consuming = Link(url, _CONSUMES, self._tend_consuming, self._timing)
        self._outlet = Outlet(self._timing, self._publishing.kick, confirms=True)
        self._vent = Outlet(self._timing, self._publishing.kick, confirms=False)
        self._publisher = Publisher(self._outlet)
        self._parking = Parking(self._consuming, self._publisher, self._timing)
        self._listeners = Listeners()
        self._ear = Ear(self._listeners, self._topology.exchange, self._consuming.kick)
        self._scatterer: Scatterer | None = None
        self._consumers: list[Consumer] = []
        self._leaderships: dict[str, Leadership] = {}
        self._set_aside = _SetAside(self._timing.watch)

    async def open(self) -> None:
        """Declare the topology, then be ready to publish. Raises BusUnavailable."""
        self._scatterer = Scatterer(self._vent, self._topology.exchange)
        results = await asyncio.gather(
            self._consuming.open(), self._publishing.open(), return_exceptions=True
        )
        for failure in (result for result in results if result is not None):
            raise failure

    async def close(self) -> None:
        """Hang up; what is unsettled goes back to its queue."""
        await self.stop(0)
        await self._listeners.close()
        if self._scatterer:
            await self._scatterer.close()
        await asyncio.gather(self._consuming.close(), self._publishing.close())
        await asyncio.gather(*(each.resign() for each in self._leaderships.values()))

    async def relay(self, outbox: Outbox) -> int:
        """Publish a batch at once, and delete what the broker has confirmed.

        One process leads each outbox. Nothing is locked meanwhile, so a crash repeats a batch.
        Names without a queue are set aside for a while, so that they do not hold up the others.
        """
        if not self.healthy():  # a topology not declared yet would drop what it should queue
            raise BusUnavailable("not connected to the broker")
        leadership = self._leaderships.setdefault(outbox.schema, Leadership(outbox))
        if not await leadership.held():
            return 0
        messages = await outbox.batch(_BATCH, without=self._set_aside.names())
        results = await asyncio.gather(*map(self._publish, messages), return_exceptions=True)
        confirmed = [m.id for m, result in zip(messages, results, strict=True) if result is None]
        await outbox.forget(confirmed)
        self._raise_for(results, len(confirmed))
        return len(confirmed)

    async def broadcast(self, message: Message) -> None:
        """Send to the listeners of all processes, at most once."""
        if self._scatterer:
            self._scatterer.scatter(to_amqp(message, durable=False), message.name)

    def listen(self, name: str, listener: Listener) -> None:
        """Call ``listener`` for each broadcast of this name that reaches us."""
        self._listeners.add(name, listener)
        self._consuming.kick()

    def subscribe(self, subscription: Subscription) -> None:
        """Consume from a queue of the topology. Raises KeyError if there is none of this name."""
        consumer = Consumer(
            self._topology.queue(subscription.queue),
            subscription,
            self._publisher,
            self._topology,
            self._consuming.kick,
            timing=self._timing,
        )
        self._consumers.append(consumer)
        self._consuming.kick()

    async def stop(self, grace: float) -> None:
        """Stop consuming; what is unsettled after ``grace`` goes back to its queue."""
        consumers, self._consumers = self._consumers, []
        await asyncio.gather(*(consumer.stop(grace) for consumer in consumers))

    async def depth(self, queue: str) -> Depth:
        """Ready messages, and parked ones. Raises BusUnavailable."""
        return await self._parking.depth(self._topology.queue(queue))

    async def parked(self, queue: str, limit: int = 100) -> list[ParkedMessage]:
        """Look at parked messages. Raises BusUnavailable."""
        return await self._parking.parked(self._topology.queue(queue), limit)

    async def replay(self, queue: str, message_id: UUID) -> bool:
        """Put a parked message back as a first attempt. Raises BusUnavailable."""
        return await self._parking.replay(self._topology.queue(queue), message_id)

    def healthy(self) -> bool:
        """Whether both connections are up."""
        return self._publishing.up and self._consuming.up

    async def _publish(self, message: Message) -> None:
        await self._publisher.publish(
            to_amqp(message), exchange=self._topology.exchange, key=message.name
        )

    def _raise_for(self, results: Sequence[BaseException | None], moved: int) -> None:
        failures = [result for result in results if result is not None]
        unroutable = [each for each in failures if isinstance(each, Unroutable)]
        for failure in failures:
            if not isinstance(failure, Unroutable):
                raise failure
        if unroutable:
            names = [name for each in unroutable for name in each.names]
            self._set_aside.add(names)
            self._consuming.kick()
            raise Unroutable(names, moved)

    async def _tend_publishing(self, connection: AbstractConnection) -> None:
        await self._outlet.attach(connection)
        await self._vent.attach(connection)

    async def _tend_consuming(self, connection: AbstractConnection) -> None:
        async with connection.channel(publisher_confirms=False) as channel:
            counts = await declare(channel, self._topology)
        for consumer in list(self._consumers):
            await consumer.tend(connection, counts[consumer.queue.name])
        await self._ear.tend(connection)


class _SetAside:
    """Event names that no queue took a moment ago."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def add(self, names: Iterable[str]) -> None:
        until = asyncio.get_running_loop().time() + self._seconds
        self._until |= dict.fromkeys(names, until)

    def names(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        self._until = {name: until for name, until in self._until.items() if until > now}
        return list(self._until)
