"""A kept connection ends when it is asked to, whatever the client makes of being cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelClosed
from aiormq.abc import DeliveredMessage
from aiormq.base import FutureStore
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.bus.port import BusUnavailable, Delivery
from shared.bus.rabbit import RabbitBus
from shared.bus.rabbit.connection import Link, in_time
from shared.bus.rabbit.consumer import Held
from shared.contracts.envelope import Message
from shared.testing.bus.kit import PATIENCE
from shared.testing.bus.rabbit import WATCHFUL
from shared.testing.proxy import FAIR, Weather, proxied


class Deaf:
    """What the client does while it closes a channel: a cancellation becomes another error."""

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def __call__(self, _: AbstractConnection | None = None) -> None:
        self.began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Future()
        raise ChannelClosed(None, "closed")


async def test_a_deaf_client_does_not_keep_a_link_from_closing(amqp_url: str) -> None:
    tend = Deaf()
    link = Link(amqp_url, "deaf", tend, WATCHFUL)
    opening = asyncio.create_task(link.open())
    await asyncio.wait_for(tend.began.wait(), PATIENCE)
    async with asyncio.timeout(PATIENCE):
        await link.close()
        with pytest.raises(BusUnavailable):
            await opening
    tend.began.clear()
    await asyncio.sleep(2 * max(WATCHFUL.reconnect))
    assert not tend.began.is_set(), "it came back"


async def test_closing_a_link_comes_through_at_any_moment_of_its_tending(amqp_url: str) -> None:
    async def tend(connection: AbstractConnection) -> None:
        for _ in range(10):
            async with connection.channel():
                pass

    for moment in range(40):
        link = Link(amqp_url, "moment", tend, WATCHFUL)
        await link.open()
        link.kick()
        await asyncio.sleep(moment / 2000)
        async with asyncio.timeout(PATIENCE):
            await link.close()


async def test_a_slow_line_is_no_outage(amqp_url: str) -> None:
    """To declare everything takes a few round trips, not one for each binding."""
    async with proxied(amqp_url) as (url, line):
        line.weather = Weather(latency=0.15)
        bus = RabbitBus(url)
        try:
            async with asyncio.timeout(10):
                await bus.open()
            assert bus.healthy()
        finally:
            line.weather = FAIR
            await bus.close()


async def test_a_call_takes_only_so_long_also_of_a_deaf_client() -> None:
    with pytest.raises(BusUnavailable, match="does not answer"):
        async with asyncio.timeout(10):
            await in_time(Deaf()(), 0.1)


async def test_a_call_that_the_client_cancelled_itself_has_failed() -> None:
    async def lost() -> None:
        raise asyncio.CancelledError

    with pytest.raises(BusUnavailable):
        await in_time(lost(), 10)


async def test_what_waits_while_the_client_closes_for_no_reason_has_failed() -> None:
    async def waiting(store: FutureStore) -> None:
        await store.create_future()

    store = FutureStore(asyncio.get_running_loop())
    call = asyncio.create_task(in_time(waiting(store), 10))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await store.reject_all(None)
    with pytest.raises(BusUnavailable):
        await call


async def test_a_fault_of_ours_is_not_taken_for_one_of_the_broker() -> None:
    async def faulty() -> None:
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await in_time(faulty(), 10)


async def test_an_ack_that_cannot_be_written_is_given_up() -> None:
    """Where a connection ends, the client leaves some waiting for their turn to write."""

    class Stuck:
        async def basic_ack(self, delivery_tag: int, *, multiple: bool) -> None:
            await asyncio.Future()

    delivery = Delivery(Message(uuid4(), "a.b.c", {}, b""), attempt=0)
    channel: Any = None
    stuck: Any = Stuck()
    incoming = DeliveredMessage(Basic.Deliver(delivery_tag=1), ContentHeader(), b"", stuck)
    held = Held(delivery, incoming, channel, patience=0.1)
    async with asyncio.timeout(10):
        await held.ack()
    assert not held.ours
