"""Publishing with confirms, bounded in number and in time; and scattering, without any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import PublishError

from shared.bus.ending import end
from shared.bus.port import BusUnavailable, Unroutable
from shared.bus.rabbit.connection import PARTING, Timing, broker_errors, in_time

log = structlog.get_logger()

WINDOW = 256
"""Publishes in flight; the client goes through all of them for each multiple confirm."""


class Outlet:
    """A channel to publish on, opened anew when it or its connection is lost."""

    def __init__(self, timing: Timing, on_lost: Callable[[], None], *, confirms: bool) -> None:
        self._timing = timing
        self._on_lost = on_lost
        self._confirms = confirms
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def channel(self) -> AbstractChannel:
        """The open channel. Raises BusUnavailable."""
        if self._channel is None or self._channel.is_closed:
            raise BusUnavailable("not connected to the broker")
        return self._channel

    async def attach(self, connection: AbstractConnection) -> None:
        """Open the channel unless it is open on this very connection."""
        if self._channel and not self._channel.is_closed and self._connection is connection:
            return
        channel = connection.channel(
            publisher_confirms=self._confirms, on_return_raises=self._confirms
        )
        await channel.initialize()
        channel.close_callbacks.add(lambda *_: self._on_lost())
        self._channel, self._connection = channel, connection

    async def send(self, message: aio_pika.Message, exchange: str, key: str) -> None:
        """Publish, and wait for the confirm if the channel has confirms.

        Neither a confirm nor back-pressure has a time limit of its own, so ours goes around all.
        After a timeout nobody knows what became of the message; its channel is given up, because
        a late reply could be taken for that of the next try. Raises PublishError, TimeoutError
        and whatever else the client raises.
        """
        async with asyncio.timeout(self._timing.reply):
            await self._unblocked()
        channel = self.channel
        try:
            async with asyncio.timeout(self._timing.reply):
                underlay = await channel.get_underlay_channel()
                await underlay.basic_publish(
                    message.body,
                    exchange=exchange,
                    routing_key=key,
                    properties=message.properties,
                    mandatory=self._confirms,
                )
        except TimeoutError:
            self._give_up(channel)
            raise

    async def _unblocked(self) -> None:
        """Wait while the broker, short of memory or disk, reads nothing from publishers."""
        if self._connection and self._connection.transport:
            await self._connection.transport.ready()

    def _give_up(self, channel: AbstractChannel) -> None:
        if self._channel is channel:
            self._channel = None
            closing = asyncio.create_task(_close(channel))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
            self._on_lost()


class Publisher:
    """Publishes on an outlet with confirms, at most ``WINDOW`` messages at a time."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._window = asyncio.Semaphore(WINDOW)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def publish(self, message: aio_pika.Message, *, exchange: str, key: str) -> None:
        """Return when the broker has the message on disk. Raises Unroutable or BusUnavailable."""
        async with self._turn(message.message_id or ""), self._window:
            with broker_errors():
                try:
                    await self._outlet.send(message, exchange, key)
                except PublishError as error:
                    raise Unroutable([key]) from error

    def _turn(self, message_id: str) -> asyncio.Lock:
        """The client tells replies apart by message id: never two of the same id in flight."""
        return self._turns.setdefault(message_id, asyncio.Lock())


class Scatterer:
    """Sends to whoever listens now: no confirms, no waiting; what cannot be sent is dropped."""

    def __init__(self, outlet: Outlet, exchange: str) -> None:
        self._outlet = outlet
        self._exchange = exchange
        self._backlog: asyncio.Queue[tuple[aio_pika.Message, str]] = asyncio.Queue(WINDOW)
        self._sending = asyncio.create_task(self._send(), name="amqp-scatter")

    def scatter(self, message: aio_pika.Message, key: str) -> None:
        """Send soon, or never."""
        if not self._backlog.full():
            self._backlog.put_nowait((message, key))

    async def close(self) -> None:
        """Drop what was not sent."""
        await end([self._sending])

    async def _send(self) -> None:
        while True:
            message, key = await self._backlog.get()
            try:
                with broker_errors():
                    await self._outlet.send(message, self._exchange, key)
            except BusUnavailable as error:
                log.debug("broadcast_dropped", event_name=key, error=str(error))


async def _close(channel: AbstractChannel) -> None:
    try:
        await in_time(channel.close(), PARTING)
    except BusUnavailable as error:
        log.debug("channel_close_failed", error=str(error))
