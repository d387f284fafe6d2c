"""Looking into queues: how much waits, what is parked, and what is not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from typing import TypeVar
from uuid import UUID

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.abc import DeliveredMessage

from shared.bus.port import Depth, ParkedMessage
from shared.bus.rabbit.connection import Link, Timing, in_time
from shared.bus.rabbit.topology import Counts, Topology, declare
from shared.bus.rabbit.wire import from_parked, tag_of
from shared.contracts.topology import Queue

T = TypeVar("T")


class Parking:
    """Looks by getting without acknowledging; closing the channel then puts all back.

    What one looks at, nobody else sees meanwhile: two that look at once each see a part.
    """

    def __init__(self, link: Link, timing: Timing) -> None:
        self._link = link
        self._timing = timing
        self._one_looks = asyncio.Lock()

    async def depth(self, queue: Queue) -> Depth:
        """Ready messages, parked ones, and who consumes. Raises BusUnavailable."""

        async def count(channel: AbstractChannel) -> Depth:
            own, parked = [await _counts(channel, name) for name in (queue.name, queue.parked)]
            consumers = own.consumer_count or 0
            return Depth(own.message_count or 0, parked.message_count or 0, consumers)

        return await self._on_a_channel(count)

    async def missing(self, queues: Iterable[Queue]) -> list[str]:
        """Those that are not there. Raises BusUnavailable."""
        names = [name for queue in queues for name in (queue.name, queue.parked)]
        return [name for name in names if not await self._is_there(name)]

    async def declare(self, topology: Topology) -> None:
        """Declare everything. Raises BusUnavailable."""

        async def all_of_it(channel: AbstractChannel) -> None:
            await declare(channel, topology)

        await self._on_a_channel(all_of_it)

    async def parked(self, queue: Queue, limit: int) -> list[ParkedMessage]:
        """The first parked messages. Raises BusUnavailable."""

        async def look(channel: AbstractChannel) -> list[ParkedMessage]:
            messages = _messages(channel, queue.parked, limit)
            return [from_parked(queue.name, incoming) async for incoming in messages]

        async with self._one_looks:
            found = await self._on_a_channel(look)
        return sorted(found, key=lambda parked: parked.parked_at)

    async def discard(self, queue: Queue, parkings: Collection[UUID]) -> int:
        """Acknowledge those of these ids, and put back the others. Raises BusUnavailable."""

        async def forget(channel: AbstractChannel) -> int:
            discarded = 0
            async for incoming in _messages(channel, queue.parked):
                if from_parked(queue.name, incoming).id in parkings:
                    await incoming.channel.basic_ack(tag_of(incoming))
                    discarded += 1
            return discarded

        async with self._one_looks:
            return await self._on_a_channel(forget)

    async def _is_there(self, name: str) -> bool:
        async def count(channel: AbstractChannel) -> bool:
            try:
                await _counts(channel, name)
            except ChannelNotFoundEntity:
                return False
            return True

        return await self._on_a_channel(count)

    async def _on_a_channel(self, look: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        connection = self._link.connection

        async def looking() -> T:
            async with connection.channel(publisher_confirms=False) as channel:
                return await look(channel)

        return await in_time(looking(), self._timing.tend)


async def _counts(channel: AbstractChannel, name: str) -> Counts:
    return (await channel.declare_queue(name, passive=True)).declaration_result


async def _messages(
    channel: AbstractChannel, queue: str, limit: int | None = None
) -> AsyncIterator[DeliveredMessage]:
    """What lies in a queue, from its head."""
    underlay = await channel.get_underlay_channel()
    taken = 0
    while limit is None or taken < limit:
        incoming = await underlay.basic_get(queue)
        if incoming.delivery_tag is None:  # the queue is empty
            return
        taken += 1
        yield incoming
