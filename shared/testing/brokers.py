"""Finding a RabbitMQ to test against, and a virtual host of one's own on it.

In this order: ``MARQUEE_TEST_AMQP_URL``; Docker, if it already has the image; a local
``rabbitmq-server``; the package of the distribution, installed as root on Debian.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from uuid import uuid4

import aio_pika
import aiohttp
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url

from shared.testing import debian
from shared.testing.rabbit import RabbitNode, management
from shared.testing.rabbit_container import RabbitContainer, image

GIVEN = "MARQUEE_TEST_AMQP_URL"

_PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Where Debian keeps the script itself; the one on the PATH changes its user first."""


class NoBroker(Exception):
    """No RabbitMQ can be had on this machine."""


class Breakable(Protocol):
    """A broker that a test may stop, kill and freeze."""

    url: str
    management: str

    async def start(self) -> None:
        """Start it, for the first time or again; its data is kept."""

    async def stop(self) -> None:
        """Shut it down in order; its data is kept."""

    async def kill(self) -> None:
        """End it as a crash would."""

    async def discard(self) -> None:
        """End it for good, without ceremony."""

    async def control(self, *arguments: str) -> None:
        """Tell it something by ``rabbitmqctl``."""

    def pause(self) -> None:
        """Freeze it."""

    def resume(self) -> None:
        """Go on after ``pause``."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is; ``management`` is None if it has no management API."""

    url: str
    management: str | None


async def given_broker(url: str) -> Broker:
    """The broker that ``MARQUEE_TEST_AMQP_URL`` names."""
    try:
        async with connected(url):
            pass
    except (OSError, TimeoutError, aio_pika.exceptions.AMQPError) as error:
        raise NoBroker(f"{GIVEN} does not answer: {error}") from None
    api = f"http://{urlsplit(url).hostname}:15672"
    try:
        async with _api(Broker(url, api)) as session:
            await session.get("/api/vhosts")
    except (OSError, TimeoutError, aiohttp.ClientError):
        return Broker(url, None)
    return Broker(url, api)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractConnection]:
    """A connection, also closed if it does not come about: else the client does so too late."""
    connection = aio_pika.Connection(make_url(url))
    try:
        await connection.connect(timeout=10)
        yield connection
    finally:
        await connection.close()


async def own_broker(directory: Path) -> Breakable:
    """A private broker, not started yet. Raises NoBroker with what is missing."""
    name = await asyncio.to_thread(image)
    if name:
        return RabbitContainer(name)
    return RabbitNode(directory, await asyncio.to_thread(_program))


def _program() -> Path:
    found = _installed()
    if found is None and debian.may_install():
        try:
            debian.install("rabbitmq-server")
        except debian.NotInstalled as error:
            raise NoBroker(str(error)) from error
        found = _installed()
    if found is None:
        raise NoBroker(
            f"no RabbitMQ: set {GIVEN}, or pull a rabbitmq image for Docker, or install the "
            "package rabbitmq-server"
        )
    return found


def _installed() -> Path | None:
    if _PROGRAM.exists():
        return _PROGRAM
    found = shutil.which("rabbitmq-server")
    return Path(found) if found else None


@asynccontextmanager
async def fresh_vhost(broker: Broker, locks: Path) -> AsyncIterator[str]:
    """The URL of an empty virtual host. Takes 15 ms.

    Where there is no management API, it is the broker's only one: one test at a time has it.
    """
    if broker.management is None:
        async with _alone(locks / "vhost.lock"):
            await _erase(broker.url)
            yield broker.url
            await _erase(broker.url)
        return
    name = f"test-{uuid4().hex}"
    user = quote(unquote(urlsplit(broker.url).username or "guest"), safe="")
    async with _api(broker) as session:
        await session.put(f"/api/vhosts/{name}", json={})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        await session.put(f"/api/permissions/{name}/{user}", json=everything)
        try:
            yield urlunsplit(urlsplit(broker.url)._replace(path=f"/{name}"))
        finally:
            await session.delete(f"/api/vhosts/{name}")


def _api(broker: Broker) -> aiohttp.ClientSession:
    parts = urlsplit(broker.url)
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    return management(broker.management or "", user, password)


@asynccontextmanager
async def _alone(path: Path) -> AsyncIterator[None]:
    """Hold a lock between all workers of this run."""
    with path.open("w") as file:
        async with asyncio.timeout(300):
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
        yield


async def _erase(url: str) -> None:
    """Delete what the product declares."""
    from shared.bus.rabbit.topology import Topology  # noqa: PLC0415 - a rare case

    topology = Topology()
    async with connected(url) as connection:
        channel = await connection.channel()
        for queue in topology.queues:
            for name in (queue.name, queue.parked):
                await channel.queue_delete(name)
        for attempt in range(len(topology.retry_delays)):
            delay = topology.retry(attempt) or ""
            await channel.exchange_delete(delay)
            await channel.queue_delete(delay)
        await channel.exchange_delete(topology.exchange)
