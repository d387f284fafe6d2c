"""``relay_rate``: outbox rows to the broker, against bare publishing of the same messages."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

import aio_pika
import asyncpg
import orjson

from benchmarks.bench import Bench
from benchmarks.figures import alone, at_most, compared, times_at_least
from benchmarks.load import Shot, fire, percentile
from benchmarks.pile import channel_of, new_users, publish, purge, until
from benchmarks.usage import watched
from shared.contracts.envelope import Message
from shared.contracts.identity import UserCreated

TARGETS = {
    "relay_rate": times_at_least(0.5, "events/s"),
    "relay_rate.delay_p99": at_most(100, "ms"),
}
_INSERT = """
    insert into identity.outbox (id, type, aggregateid, headers, payload)
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])"""
LANES = 8


async def measure(bench: Bench) -> None:
    """A pile of committed events, and then single ones at half of what one process can commit."""
    number = bench.size(10_000, 2_000)
    async with (
        bench.stage.place() as place,
        place.running("identity") as process,
        channel_of(place.amqp_url) as channel,
    ):
        database = await asyncpg.connect(place.admin_dsn)
        notes: dict[str, float] = {}

        async def empty() -> bool:
            return not await database.fetchval("select exists (select from identity.outbox)")

        async def ours() -> float:
            rows = [_row(message) for message in new_users(number)]
            async with watched(process.pid) as usage:
                await database.execute(_INSERT, *map(list, zip(*rows, strict=True)))
                began = time.perf_counter()
                await until(empty)
                seconds = time.perf_counter() - began
            notes.update(usage.notes())
            await purge(channel)
            return number / seconds

        async def theirs() -> float:
            messages = new_users(number)
            began = time.perf_counter()
            await publish(channel, messages)
            seconds = time.perf_counter() - began
            await purge(channel)
            return number / seconds

        pairs = await bench.pairs(ours, theirs)
        await database.close()
    bench.report(compared("relay_rate", TARGETS, pairs, float, **notes))
    await _delay(bench)


def _row(message: Message) -> tuple[object, ...]:
    headers = orjson.dumps(message.headers)
    return message.id, message.name, message.headers["ce-subject"], headers, message.body


async def _delay(bench: Bench) -> None:
    """From the commit of a user to the broker's hands, at half of the rate that is possible."""
    house = await bench.house()
    url = house.product.place.amqp_url
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        probe = await channel.declare_queue(exclusive=True)
        await probe.bind("marquee.events", UserCreated.name)
        delays: list[float] = []

        async def arrived(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            committed = datetime.fromisoformat(str(message.headers["ce-time"]))
            delays.append((datetime.now(UTC) - committed).total_seconds() * 1000)

        seconds = bench.size(4, 2)
        full = await fire(house.plan(_users(LANES), lasting=seconds))
        await house.product.settled()
        await probe.consume(arrived, no_ack=True)

        async def half() -> float:
            delays.clear()
            await fire(house.plan(_users(LANES), lasting=seconds, every=2 * LANES / full.rate))
            await house.product.settled()
            return percentile(delays, 0.99)

        found = await bench.times(half)
    rate = round(full.rate / 2)
    bench.report(
        alone("relay_rate.delay_p99", TARGETS, found, p50_ms=median(delays), per_second=rate)
    )


def _users(lanes: int) -> list[list[Shot]]:
    """More users than will be asked for, each with an address of its own."""
    return [
        [
            Shot("user", "POST", "/api/admin/users", {"email": f"{uuid4()}@r.example", "name": "R"})
            for _ in range(2_000)
        ]
        for _ in range(lanes)
    ]
