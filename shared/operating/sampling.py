"""Figures of what waits: looked up every so often, not whenever somebody asks for them.

An outbox that is found to be full lets its service refuse commands until there is room again.

Every replica of a service reports the queues that it consumes and the outbox that it fills, so that
a question about the whole takes the largest of what they say, not the sum.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg
from asyncpg import Record
from prometheus_client import Gauge

from shared.bus.port import Bus, BusUnavailable
from shared.contracts.topology import Queue
from shared.db import DATABASE_ERRORS, Database

EVERY = 15.0
"""Seconds between two looks: as often as Prometheus usually asks."""

COUNTED = 10_000
"""Rows of an outbox that are counted at most; more of them tell nobody more."""

messages = Gauge(
    "marquee_queue_messages", "Messages in a queue: ready, or parked beside it", ["queue", "state"]
)
consumers = Gauge("marquee_queue_consumers", "Consumers of a queue, of all processes", ["queue"])
waiting = Gauge(
    "marquee_outbox_messages", f"Events not on the bus yet, up to {COUNTED}", ["service"]
)
oldest = Gauge(
    "marquee_outbox_oldest_seconds", "Age of the oldest event not on the bus yet", ["service"]
)
connections = Gauge(
    "marquee_database_connections",
    "Connections of this process to the database, by what they do",
    ["service", "state"],
)
most = Gauge("marquee_database_connections_max", "Connections that a service may open", ["service"])
up = Gauge("marquee_bus_up", "1 while messages can flow")

_OUTBOX = """
select count(*), extract(epoch from clock_timestamp() - min(created_at))::float8
from (select created_at from {schema}.outbox order by seq limit {limit}) as first
"""

_FULL = "select exists (select from {schema}.outbox offset {last} limit 1)"


@dataclass(frozen=True, slots=True)
class Sampling:
    """Looks, for the services of this process, at their queues and outboxes.

    An outbox with ``outbox_max`` rows is full.
    """

    bus: Bus
    queues: Sequence[Queue]
    outboxes: Mapping[str, Database]
    outbox_max: int

    def watch(self) -> None:
        """Have what costs nothing looked up whenever somebody asks."""
        up.set_function(self.bus.healthy)
        for service, database in self.outboxes.items():
            pool = database.pool
            most.labels(service).set(pool.get_max_size())
            connections.labels(service, "used").set_function(partial(_used, pool))
            connections.labels(service, "idle").set_function(pool.get_idle_size)

    async def run(self) -> None:
        """Look for ever."""
        self.watch()
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once. What cannot be asked now is no number until it can be."""
        for queue in self.queues:
            try:
                depth = await self.bus.depth(queue.name)
                ready, parked, by = float(depth.ready), float(depth.parked), float(depth.consumers)
            except BusUnavailable:
                ready = parked = by = math.nan
            messages.labels(queue.name, "ready").set(ready)
            messages.labels(queue.name, "parked").set(parked)
            consumers.labels(queue.name).set(by)
        for service, database in self.outboxes.items():
            sql = _OUTBOX.format(schema=database.schema, limit=COUNTED)
            full = _FULL.format(schema=database.schema, last=self.outbox_max - 1)
            try:
                count, seconds = await database.pool.fetchrow(sql) or (0, None)
                database.full = await database.pool.fetchval(full)
            except DATABASE_ERRORS:
                count, seconds = math.nan, math.nan
            waiting.labels(service).set(count)
            oldest.labels(service).set(0.0 if seconds is None else max(seconds, 0.0))


def _used(pool: asyncpg.Pool[Record]) -> float:
    return pool.get_size() - pool.get_idle_size()
