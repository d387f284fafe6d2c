"""Looking into queues: how much waits, what is parked, and putting it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from shared.bus.port import Depth, ParkedMessage
from shared.bus.rabbit.connection import Link, Timing, in_time
from shared.bus.rabbit.publisher import Publisher
from shared.bus.rabbit.wire import from_amqp, from_parked, to_amqp
from shared.contracts.topology import Queue

T = TypeVar("T")

_TRIES = 3
"""How often a message is looked for: someone else may be looking at it just now."""


class Parking:
    """Looks by getting without acknowledging; closing the channel then puts all back."""

    def __init__(self, link: Link, publisher: Publisher, timing: Timing) -> None:
        self._link = link
        self._publisher = publisher
        self._timing = timing
        self._one_looks = asyncio.Lock()

    async def depth(self, queue: Queue) -> Depth:
        """Ready messages. Raises BusUnavailable."""

        async def count(channel: AbstractChannel) -> Depth:
            ready, parked = [
                (await channel.declare_queue(name, passive=True)).declaration_result.message_count
                for name in (queue.name, queue.parked)
            ]
            return Depth(ready=ready or 0, parked=parked or 0)

        return await self._on_a_channel(count)

    async def parked(self, queue: Queue, limit: int) -> list[ParkedMessage]:
        """The first parked messages. Raises BusUnavailable."""

        async def look(channel: AbstractChannel) -> list[ParkedMessage]:
            messages = _messages(channel, queue.parked, limit)
            return [from_parked(queue.name, incoming) async for incoming in messages]

        async with self._one_looks:
            found = await self._on_a_channel(look)
        return sorted(found, key=lambda parked: parked.parked_at)

    async def replay(self, queue: Queue, message_id: UUID) -> bool:
        """Publish it to its queue again, then forget it here. Raises BusUnavailable."""

        async def put_back(channel: AbstractChannel) -> bool:
            async for incoming in _messages(channel, queue.parked):
                message = from_amqp(incoming)
                if message.id == message_id:
                    await self._publisher.publish(to_amqp(message), exchange="", key=queue.name)
                    await incoming.ack()
                    return True
            return False

        for _ in range(_TRIES):
            async with self._one_looks:
                if await self._on_a_channel(put_back):
                    return True
            await asyncio.sleep(0.2)
        return False

    async def _on_a_channel(self, look: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        connection = self._link.connection

        async def looking() -> T:
            async with connection.channel(publisher_confirms=False) as channel:
                return await look(channel)

        return await in_time(looking(), self._timing.tend)


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
