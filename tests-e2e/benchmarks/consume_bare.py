"""The baseline of ``consume_rate``: aio-pika and asyncpg, in batches of 50 as the product has them.

One transaction for a batch: the tenant, the inbox, the effect of each message by the very SQL of
the product, and then one acknowledgement for all. Usage: ... AMQP_URL DSN
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

import aio_pika
import asyncpg
import orjson
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.pile import channel_of
from shared.contracts.topology import ASSIGNMENT_FACTS

BATCH = 50
_INBOX = """
    insert into assignment.inbox (consumer, message_id) select 'bare', unnest($1::uuid[])
    on conflict do nothing returning message_id"""
_LEARN = """
    insert into assignment.users (id, known, email, name, disabled, version)
    values ($1, true, $2, $3, $4, $5)
    on conflict (tenant_id, id) do update set known = true, email = excluded.email,
        name = excluded.name, disabled = excluded.disabled, version = excluded.version
    where assignment.users.version < excluded.version"""


async def main() -> None:
    """Consume until terminated."""
    amqp_url, dsn = sys.argv[1:]
    database = await asyncpg.connect(dsn, server_settings={"role": "marquee_assignment"})
    arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with channel_of(amqp_url), await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=2 * BATCH)
        queue = await channel.get_queue(ASSIGNMENT_FACTS.name)
        await queue.consume(arrived.put)
        print("ready at -", flush=True)
        while True:
            batch = [await arrived.get()]
            while len(batch) < BATCH and not arrived.empty():
                batch.append(arrived.get_nowait())
            await _take(database, batch)
            await batch[-1].ack(multiple=True)


async def _take(database: asyncpg.Connection, batch: list[AbstractIncomingMessage]) -> None:
    await database.execute("begin; select set_config('app.tenant', 'default', true)")
    ids = [UUID(message.message_id) for message in batch]
    new = {row["message_id"] for row in await database.fetch(_INBOX, ids)}
    for message, ident in zip(batch, ids, strict=True):
        if ident in new:
            told = orjson.loads(message.body)
            await database.execute(
                *(_LEARN, UUID(told["user_id"]), told["email"], told["display_name"]),
                *(told["disabled"], told["version"]),
            )
    await database.execute("commit")


if __name__ == "__main__":
    uvloop.run(main())
