"""A process to be killed: ``python -m shared.testing.bus.victim DSN PREFIX``.

It relays the sender's outbox on an embedded bus, and marks every event at the receiver.
"""

from __future__ import annotations

import asyncio
import sys

from shared.bus.consumer import OnFact, consumer
from shared.bus.embedded import EmbeddedBus
from shared.bus.outbox import Outbox
from shared.bus.relay import Relay
from shared.contracts.assignment import OperationCompleted
from shared.contracts.converter import TicketIssued
from shared.contracts.event import Event
from shared.db.database import Clock, Database, open_pool
from shared.runtime.ids import new_id
from shared.testing.bus.kit import Names, leave_effect
from shared.testing.databases import CIPHER


async def _database(dsn: str, schema: str) -> Database:
    pool = await open_pool(dsn, role=f"marquee_{schema}")
    return Database(pool, schema, new_id=new_id, clock=Clock(), cipher=CIPHER)


async def _live(dsn: str, prefix: str) -> None:
    names = Names(prefix)
    bus_database, sender, receiver = [
        await _database(dsn, schema) for schema in ("bus", "sender", "receiver")
    ]
    bus = EmbeddedBus(bus_database, queues=names.queues, retry_delays=(0.1, 0.1))
    await bus.open()
    handlers: dict[type[Event], OnFact] = {
        TicketIssued: leave_effect,
        OperationCompleted: leave_effect,
    }
    bus.subscribe(consumer(names.alpha, receiver, handlers, batch=10, concurrency=2))
    print("alive", flush=True)
    await Relay(bus, [Outbox("sender", sender)], poll=0.05).run()


if __name__ == "__main__":
    asyncio.run(_live(*sys.argv[1:]))
