"""The RabbitMQ of a run: fresh for every test, and to be broken where a test wants that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest

from shared.testing import brokers
from shared.testing.brokers import Breakable, Broker, connected, fresh_vhost, given_broker
from shared.testing.rabbit import greeted


async def queue_exists(url: str, name: str) -> bool:
    async with connected(url) as connection:
        channel = await connection.channel()
        try:
            await channel.declare_queue(name, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return False
        return True


async def declare(url: str, name: str) -> None:
    async with connected(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})


async def test_every_virtual_host_is_empty(broker: Broker, tmp_path: Path) -> None:
    async with fresh_vhost(broker, tmp_path) as first, fresh_vhost(broker, tmp_path) as second:
        await declare(first, "audit.trail")
        assert await queue_exists(first, "audit.trail")
        assert not await queue_exists(second, "audit.trail")


async def test_a_broker_without_management_serves_one_test_at_a_time(
    amqp_url: str, tmp_path: Path
) -> None:
    bare = Broker(amqp_url, None)
    async with fresh_vhost(bare, tmp_path) as url:
        await declare(url, "audit.trail")
        waiting = asyncio.create_task(first_look(bare, tmp_path))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert not await asyncio.wait_for(waiting, 10)


async def first_look(broker: Broker, locks: Path) -> bool:
    async with fresh_vhost(broker, locks) as url:
        return await queue_exists(url, "audit.trail")


async def test_a_given_broker_is_used_as_it_is(amqp_url: str) -> None:
    assert (await given_broker(amqp_url)).url == amqp_url


async def test_a_given_broker_that_does_not_answer_is_named() -> None:
    with pytest.raises(brokers.NoBroker, match="MARQUEE_TEST_AMQP_URL does not answer"):
        await given_broker("amqp://127.0.0.1:1")


async def test_a_killed_broker_keeps_what_was_declared(breakable_broker: Breakable) -> None:
    await declare(breakable_broker.url, "audit.trail")
    await breakable_broker.kill()
    with pytest.raises(OSError, match=r"(?i)connect"):
        async with connected(breakable_broker.url):
            pass

    await breakable_broker.start()
    assert await queue_exists(breakable_broker.url, "audit.trail")


async def test_a_frozen_broker_goes_on_where_it_was(breakable_broker: Breakable) -> None:
    port = urlsplit(breakable_broker.url).port
    assert port is not None
    breakable_broker.pause()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(greeted(port), 1)

    breakable_broker.resume()
    await asyncio.wait_for(greeted(port), 10)
