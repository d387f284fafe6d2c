"""Piles of messages, and bare programs that publish or consume them as fast as aio-pika can."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import aio_pika
from aio_pika.abc import AbstractChannel
from uuid_utils.compat import uuid7

from shared.bus.rabbit.topology import Topology, declare
from shared.bus.rabbit.wire import to_amqp
from shared.contracts.context import Context
from shared.contracts.converter import AssetUploaded
from shared.contracts.envelope import Message, seal
from shared.contracts.identity import UserCreated

WINDOW = 256
"""Publishes in flight, as many as the product has."""


@asynccontextmanager
async def channel_of(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel with confirms, on a virtual host with the whole topology."""
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        await declare(channel, Topology())
        yield channel


async def publish(channel: AbstractChannel, messages: Sequence[Message]) -> None:
    """Publish with confirms, a window at a time in flight, without waiting for the socket."""
    underlay = await channel.get_underlay_channel()
    window = asyncio.Semaphore(WINDOW)

    async def one(message: Message) -> None:
        packed = to_amqp(message)
        async with window:
            await underlay.basic_publish(
                packed.body,
                exchange=Topology().exchange,
                routing_key=message.name,
                properties=packed.properties,
                mandatory=True,
                wait=False,
            )

    await asyncio.gather(*map(one, messages))


async def purge(channel: AbstractChannel) -> None:
    """Empty all queues."""
    for queue in Topology().queues:
        await (await channel.declare_queue(queue.name, passive=True)).purge()


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 300) -> None:
    """Ask every 20 ms until it is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Let a process do nothing inside the block, while work piles up for it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def new_users(number: int) -> list[Message]:
    """So many people, who were created just now."""
    now = datetime.now(UTC)
    return [
        seal(
            UserCreated(
                user_id=uuid7(),
                email=f"{uuid4()}@example.com",
                display_name="Somebody",
                role="user",
                disabled=False,
                version=1,
                created_at=now,
            ),
            ident=uuid7(),
            time=now,
            context=Context("default"),
        )
        for _ in range(number)
    ]


def uploads(number: int) -> list[Message]:
    """So many assets, which were uploaded just now."""
    now = datetime.now(UTC)
    return [
        seal(
            AssetUploaded(
                asset_id=uuid7(),
                title="Aurora",
                filename="aurora.mp4",
                size_bytes=1_000_000,
                sha256="0" * 64,
                version=1,
            ),
            ident=uuid7(),
            time=now,
            context=Context("default"),
        )
        for _ in range(number)
    ]
