"""Hearing broadcasts: one queue of this process alone, gone with its connection."""

from __future__ import annotations

from collections.abc import Callable

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from shared.bus.broadcast import Listeners
from shared.bus.rabbit.wire import from_amqp

_BACKLOG = 10_000
"""Broadcasts the broker keeps for a process that is slow to read; older ones are dropped."""


class Ear:
    """Binds an exclusive queue to the names that somebody listens to."""

    def __init__(self, listeners: Listeners, exchange: str, on_lost: Callable[[], None]) -> None:
        self._listeners = listeners
        self._exchange = exchange
        self._on_lost = on_lost
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._bound: set[str] = set()

    async def tend(self, connection: AbstractConnection) -> None:
        """Listen on this connection to every name there is a listener for."""
        names = set(self._listeners.names)
        lost = self._channel is None or self._channel.is_closed
        if lost or self._connection is not connection or names != self._bound:
            await self._attach(connection, names)

    async def _attach(self, connection: AbstractConnection, names: set[str]) -> None:
        if self._channel and not self._channel.is_closed:
            await self._channel.close()
        channel = connection.channel(publisher_confirms=False)
        await channel.initialize()
        if names:
            queue = await channel.declare_queue(
                exclusive=True, auto_delete=True, arguments={"x-max-length": _BACKLOG}
            )
            for name in names:
                await queue.bind(self._exchange, routing_key=name)
            underlay = await channel.get_underlay_channel()
            await underlay.basic_consume(queue.name, self._heard, no_ack=True)
        channel.close_callbacks.add(lambda *_: self._on_lost())
        self._channel, self._connection, self._bound = channel, connection, names

    async def _heard(self, incoming: DeliveredMessage) -> None:
        self._listeners.tell(from_amqp(incoming))
