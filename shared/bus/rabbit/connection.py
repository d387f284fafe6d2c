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
from typing import Any, TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared.bus import metrics
from shared.bus.ending import end
from shared.bus.port import BusUnavailable

log = structlog.get_logger()

T = TypeVar("T")

Tend = Callable[[AbstractConnection], Awaitable[None]]

PARTING = 3.0
"""Seconds for a broker that does not answer while we hang up."""

_LOST = (*CONNECTION_EXCEPTIONS, TimeoutError)

_calls: set[asyncio.Future[Any]] = set()
"""The loop itself would forget a task that nobody holds."""


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

    @property
    def dead(self) -> float:
        """How long a connection may be without any sign of life, and then some."""
        return 4.0 * (self.heartbeat + 1)


@contextmanager
def broker_errors() -> Iterator[None]:
    """Turn whatever the client raises into BusUnavailable.

    The client cancels what waits for a reply on a channel that dies; such a cancellation is not
    ours, and must not end the task it hits. What waits while a connection is closed for no reason
    that the client could name ends by an ``Exception`` of no other type.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BusUnavailable("the broker's connection was lost") from error
    except Exception as error:
        if isinstance(error, _LOST) or type(error) is Exception:
            raise BusUnavailable(f"the broker: {error!r}") from error
        raise


async def in_time(call: Awaitable[T], seconds: float) -> T:
    """What a call of the client returns. Raises BusUnavailable, after ``seconds`` at the latest.

    While it closes a channel the client may take a cancellation, ours or that of a timeout, for
    an error of the channel, and go on. So the call is a task of its own, and whoever waits for it
    here is free when its time is over, whatever it makes of being cancelled.
    """
    calling = asyncio.ensure_future(call)
    _calls.add(calling)
    calling.add_done_callback(_over)
    try:
        done, _ = await asyncio.wait([calling], timeout=seconds)
    finally:
        calling.cancel()  # if it does not hear that, the end of its connection ends it
    if not done:
        raise BusUnavailable(f"the broker does not answer within {seconds:g} s")
    with broker_errors():
        return calling.result()


def _over(calling: asyncio.Future[Any]) -> None:
    _calls.discard(calling)
    if not calling.cancelled():
        calling.exception()  # seen, even if nobody waits for it any more


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
        await self._tried.wait()  # each step of a try takes only so long
        if self._connection is None:
            raise self._last_error or BusUnavailable("not connected to the broker")

    async def close(self) -> None:
        """Stop keeping, and hang up."""
        if self._keeper:
            await end([self._keeper])
        self._tried.set()

    async def _keep(self) -> None:
        while True:
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
            while connection.connected.is_set():
                self._kicked.clear()
                await in_time(self._tend(connection), self._timing.tend)
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
            await in_time(connection.connect(), self._timing.reply)
        except BaseException:
            await _hang_up(connection)
            raise
        connection.close_callbacks.add(lambda *_: self.kick())
        metrics.connected.labels(self._name).inc()
        log.info("broker_connected", connection=self._name)
        return connection

    async def _wait_for_a_reason(self) -> None:
        try:
            async with asyncio.timeout(self._timing.watch):
                await self._kicked.wait()
        except TimeoutError:
            pass


async def _hang_up(connection: AbstractConnection) -> None:
    """Close, but do not wait for a broker that does not answer."""
    try:
        await in_time(connection.close(), PARTING)
    except BusUnavailable as error:
        log.debug("hang_up_failed", error=str(error))
