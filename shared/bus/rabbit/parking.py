"""Looking into queues: how much waits, and what is parked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.bus.port import Depth, ParkedMessage
from shared.bus.rabbit.connection import Link, Timing, broker_errors
from shared.bus.rabbit.topology import Counts
from shared.bus.rabbit.wire import from_parked
from shared.contracts.topology import Queue


class Parking:
    """Looks by getting without acknowledging; closing the channel then puts all back.

    What one looks at, nobody else sees meanwhile: two that look at once each see a part.
    """

    def __init__(self, link: Link, timing: Timing) -> None:
        self._link = link
        self._timing = timing
        self._one_looks = asyncio.Lock()

    async def depth(self, queue: Queue) -> Depth:
        """Ready messages, and who consumes. Raises BusUnavailable."""
        async with self._channel() as channel:
            own = await _counts(channel, queue.name)
            parked = await _counts(channel, queue.parked)
        return Depth(own.message_count or 0, parked.message_count or 0, own.consumer_count or 0)

    async def missing(self, queues: Iterable[Queue]) -> list[str]:
        """Those that are not there. Raises BusUnavailable."""
        names = [name for queue in queues for name in (queue.name, queue.parked)]
        return [name for name in names if not await self._is_there(name)]

    async def parked(self, queue: Queue, limit: int) -> list[ParkedMessage]:
        """The first parked messages. Raises BusUnavailable."""
        async with self._one_looks, self._channel() as channel:
            found = [
                from_parked(queue.name, incoming)
                async for incoming in _messages(channel, queue.parked, limit)
            ]
        return sorted(found, key=lambda parked: parked.parked_at)

    async def discard(self, queue: Queue, parkings: Collection[UUID]) -> int:
        """Acknowledge those of these ids, and put back the others. Raises BusUnavailable."""
        discarded = 0
        async with self._one_looks, self._channel() as channel:
            async for incoming in _messages(channel, queue.parked):
                if from_parked(queue.name, incoming).id in parkings:
                    await incoming.ack()
                    discarded += 1
        return discarded

    async def _is_there(self, name: str) -> bool:
        async with self._channel() as channel:
            try:
                await _counts(channel, name)
            except ChannelNotFoundEntity:
                return False
        return True

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        connection = self._link.connection
        with broker_errors():
            async with asyncio.timeout(self._timing.tend):
                async with connection.channel(publisher_confirms=False) as channel:
                    yield channel


async def _counts(channel: AbstractChannel, name: str) -> Counts:
    return (await channel.declare_queue(name, passive=True)).declaration_result


async def _messages(
    channel: AbstractChannel, queue: str, limit: int | None = None
) -> AsyncIterator[AbstractIncomingMessage]:
    """What lies in a queue, from its head."""
    source: AbstractQueue = await channel.get_queue(queue, ensure=False)
    taken = 0
    while limit is None or taken < limit:
        incoming = await source.get(no_ack=False, fail=False)
        if incoming is None:
            return
        taken += 1
        yield incoming
