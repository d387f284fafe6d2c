"""A connection to the broker that is kept: lost, it is made again; suspect, it is replaced.

One loop owns each connection and everything on it. After every connect, every ``watch`` seconds,
and whenever someone kicks it, the loop *tends*: declares what must be there and attaches what has
fallen off. There is no other way back from a failure, so all of them are exercised all the time.
The client's own recovery (``connect_robust``) is not used: it cannot see a consumer that the
broker has silently forgotten, and a publish during an outage would wait for its end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.bus.port import BusUnavailable

log = structlog.get_logger()

Tend = Callable[[AbstractConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. ``reconnect`` is a range, so that processes do not come back all at once.

    A heartbeat of 10 s finds a dead peer after 33 s; a publish finds it after ``reply``.
    """

    heartbeat: int = 10
    reply: float = 10.0
    tend: float = 30.0
    watch: float = 15.0
    reconnect: tuple[float, float] = (0.5, 2.5)


@contextmanager
def broker_errors() -> Iterator[None]:
    """Turn whatever the client raises into BusUnavailable.

    The client cancels what waits for a reply on a channel that dies; such a cancellation is not
    ours, and must not end the task it hits.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable("the broker's connection was lost") from error
    except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
        raise BusUnavailable(f"the broker: {error!r}") from error


class Link:
    """Keeps one connection; ``tend`` is called with it again and again."""

    def __init__(self, url: str, name: str, tend: Tend, timing: Timing) -> None:
        self._url = url
        self._name = name
        self._tend = tend
        self._timing = timing
        self._kicked = asyncio.Event()
        self._tried = asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._last_error: BusUnavailable | None = None
        self._closing = False

    @property
    def up(self) -> bool:
        """Whether the last tending succeeded and the connection has held since."""
        return self._connection is not None and self._connection.connected.is_set()

    @property
    def connection(self) -> AbstractConnection:
        """The connection of now. Raises BusUnavailable."""
        if self._connection is None:
            raise BusUnavailable("not connected to the broker")
        return self._connection

    @property
    def product(self) -> str | None:
        """The broker's name and version, while there is a connection."""
        if self._connection is None or self._connection.transport is None:
            return None
        told = self._connection.transport.connection.server_properties
        words = [told.get(name, b"") for name in ("product", "version")]
        return " ".join(w.decode() if isinstance(w, bytes) else str(w) for w in words).strip()

    def kick(self) -> None:
        """Tend as soon as possible."""
        self._kicked.set()

    async def open(self) -> None:
        """Start keeping. Raises BusUnavailable if the first try fails; others follow."""
        self._keeper = asyncio.create_task(self._keep(), name=f"amqp-{self._name}")
        await self._tried.wait()
        if self._last_error:
            raise self._last_error

    async def close(self) -> None:
        """Stop keeping, and hang up.

        A cancellation that hits the client in the middle of a call may get lost in it.
        """
        self._closing = True
        self.kick()
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        while not self._closing:
            try:
                await self._live()
            except BusUnavailable as error:
                self._last_error = error
                log.warning("broker_lost", connection=self._name, error=str(error))
            except Exception:
                log.exception("broker_connection_failed", connection=self._name)
            self._tried.set()
            await asyncio.sleep(random.uniform(*self._timing.reconnect))  # noqa: S311

    async def _live(self) -> None:
        """One connection from its start to its end."""
        connection = await self._connect()
        try:
            while connection.connected.is_set() and not self._closing:
                self._kicked.clear()
                await self._tend_in_time(connection)
                self._connection, self._last_error = connection, None
                self._tried.set()
                await self._wait_for_a_reason()
        finally:
            self._connection = None
            await _hang_up(connection)

    async def _connect(self) -> AbstractConnection:
        connection = aio_pika.Connection(
            make_url(self._url, heartbeat=self._timing.heartbeat),
            client_properties={"connection_name": self._name},
        )
        try:
            with broker_errors():
                async with asyncio.timeout(self._timing.reply):
                    await connection.connect()
        except BaseException:
            await _hang_up(connection)
            raise
        connection.close_callbacks.add(lambda *_: self.kick())
        log.info("broker_connected", connection=self._name)
        return connection

    async def _tend_in_time(self, connection: AbstractConnection) -> None:
        with broker_errors():
            async with asyncio.timeout(self._timing.tend):
                await self._tend(connection)

    async def _wait_for_a_reason(self) -> None:
        if self._closing:
            return
        try:
            async with asyncio.timeout(self._timing.watch):
                await self._kicked.wait()
        except TimeoutError:
            pass


async def _hang_up(connection: AbstractConnection) -> None:
    """Close, but do not wait for a broker that does not answer."""
    try:
        with broker_errors():
            async with asyncio.timeout(5):
                await connection.close()
    except BusUnavailable as error:
        log.debug("hang_up_failed", error=str(error))
