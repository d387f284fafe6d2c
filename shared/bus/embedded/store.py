"""The queue table: one durable row for each message in each queue.

A row is ready (neither due nor parked), delayed (``due``), or parked (``parked_at``). Whatever
becomes ready gets a new, higher ``seq``: readers then need only ask for what comes after the
last row they know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import orjson
from asyncpg import Record

from shared.bus.outbox import BATCH
from shared.bus.port import BusUnavailable, Delivery, Depth, ParkedMessage
from shared.contracts.envelope import Message, event_name
from shared.db import DATABASE_ERRORS

WINDOW = 1000
"""Rows read back, or promoted, by one statement."""

_ROW = "queue, seq, message_id, name, headers, payload, attempt"

_RELAY = """
with moved as (
    delete from {schema}.outbox where seq in (
        select seq from {schema}.outbox where type = any($1::text[]) order by seq limit $3
    ) returning seq, id, type, headers, payload
)
insert into bus.queue (queue, message_id, name, headers, payload)
select route.queue, moved.id, moved.type, moved.headers, moved.payload
from moved join unnest($1::text[], $2::text[]) as route (name, queue) on route.name = moved.type
order by moved.seq
returning queue, seq, message_id, name, headers, payload, attempt
"""

_UNROUTABLE = "select distinct type from {schema}.outbox where type <> all($1::text[]) limit 10"

_AFTER = f"""
select {_ROW} from bus.queue
where queue = $1 and seq > $2 and due is null and parked_at is null order by seq limit $3
"""  # noqa: S608

_PROMOTE = f"""
update bus.queue set seq = default, due = null
where (queue, seq) in (
    select queue, seq from bus.queue
    where parked_at is null and due <= clock_timestamp() order by due limit $1
) returning {_ROW}
"""  # noqa: S608

_NEXT_DUE = """
select extract(epoch from min(due) - clock_timestamp())::float8 from bus.queue
where parked_at is null and due is not null
"""

_ACK = "delete from bus.queue where queue = $1 and seq = any($2::bigint[])"

_RETRY = """
update bus.queue q set attempt = s.attempt, reason = s.reason, due = clock_timestamp() + s.delay
from unnest($2::bigint[], $3::int[], $4::text[], $5::interval[]) as s (seq, attempt, reason, delay)
where q.queue = $1 and q.seq = s.seq
"""

_PARK = """
update bus.queue q set attempt = s.attempt, reason = s.reason, parked_at = clock_timestamp()
from unnest($2::bigint[], $3::int[], $4::text[]) as s (seq, attempt, reason)
where q.queue = $1 and q.seq = s.seq
"""

_DEPTH = """
select count(*) filter (where due is null and parked_at is null), count(parked_at), (
    select headers from bus.queue
    where queue = $1 and due is null and parked_at is null order by seq limit 1
) from bus.queue where queue = $1
"""

_DISCARD = "delete from bus.queue where queue = $1 and seq = any($2::bigint[]) returning seq"

_PARKED = """
select seq, message_id, name, headers, payload, attempt, reason, parked_at from bus.queue
where queue = $1 and parked_at is not null order by parked_at, seq limit $2
"""


@dataclass(slots=True, eq=False)
class Row:
    """A ready row in memory; ``ours`` until it is settled."""

    queue: str
    seq: int
    delivery: Delivery
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Again:
    """What becomes of a row that failed: its next attempt, and the wait before it."""

    seq: int
    attempt: int
    reason: str
    delay: float = 0.0


class Store:
    """The statements on the queue table. Each raises BusUnavailable if the database is away."""

    def __init__(self, pool: asyncpg.Pool[Record]) -> None:
        self._pool = pool
        self.reached = False

    async def check(self) -> None:
        """Ask for nothing."""
        async with self._reaching():
            await self._pool.fetchval("select true")

    async def relay(self, schema: str, routes: Sequence[tuple[str, str]]) -> list[Row]:
        """Move one batch of an outbox into the queues that its names are routed to."""
        names, queues = [name for name, _ in routes], [queue for _, queue in routes]
        return await self._rows(_RELAY.format(schema=schema), names, queues, BATCH)

    async def unroutable(self, schema: str, names: Sequence[str]) -> list[str]:
        """Some names in an outbox that are not among ``names``."""
        async with self._reaching():
            rows = await self._pool.fetch(_UNROUTABLE.format(schema=schema), names)
        return [row["type"] for row in rows]

    async def after(self, queue: str, seq: int) -> list[Row]:
        """The next ready rows of a queue; fewer than WINDOW means that these are all."""
        return await self._rows(_AFTER, queue, seq, WINDOW)

    async def promote(self) -> list[Row]:
        """Make the rows ready whose delay is over."""
        return await self._rows(_PROMOTE, WINDOW)

    async def next_due(self) -> float | None:
        """Seconds until the next delay is over."""
        async with self._reaching():
            seconds: float | None = await self._pool.fetchval(_NEXT_DUE)
            return seconds

    async def ack(self, queue: str, seqs: Sequence[int]) -> None:
        """Forget rows."""
        await self._execute(_ACK, queue, seqs)

    async def retry(self, queue: str, rows: Sequence[Again]) -> None:
        """Delay rows."""
        delays = [timedelta(seconds=row.delay) for row in rows]
        await self._execute(_RETRY, queue, *_columns(rows), delays)

    async def park(self, queue: str, rows: Sequence[Again]) -> None:
        """Put rows aside."""
        await self._execute(_PARK, queue, *_columns(rows))

    async def depth(self, queue: str) -> Depth:
        """Count ready and parked rows, and say how old the first ready one is."""
        async with self._reaching():
            row = await self._pool.fetchrow(_DEPTH, queue)
        assert row is not None  # an aggregate always has one row
        return Depth(ready=row[0], parked=row[1], oldest=_sent(row[2]))

    async def parked(self, queue: str, limit: int) -> list[ParkedMessage]:
        """The parked rows, oldest first."""
        return [parked for _, parked in await self._parked(queue, limit)]

    async def discard(self, queue: str, parkings: Collection[UUID]) -> int:
        """Delete parked rows by the ids of their parkings."""
        found = await self._parked(queue, None)
        seqs = [seq for seq, parked in found if parked.id in parkings]
        async with self._reaching():
            return len(await self._pool.fetch(_DISCARD, queue, seqs))

    async def _parked(self, queue: str, limit: int | None) -> list[tuple[int, ParkedMessage]]:
        async with self._reaching():
            rows = await self._pool.fetch(_PARKED, queue, limit)
        return [
            (
                r["seq"],
                ParkedMessage(queue, _message(r), r["reason"], r["attempt"], r["parked_at"]),
            )
            for r in rows
        ]

    async def _rows(self, sql: str, *arguments: object) -> list[Row]:
        async with self._reaching():
            records = await self._pool.fetch(sql, *arguments)
        rows = [Row(r["queue"], r["seq"], Delivery(_message(r), r["attempt"])) for r in records]
        return sorted(rows, key=lambda row: row.seq)

    async def _execute(self, sql: str, *arguments: object) -> None:
        async with self._reaching():
            await self._pool.execute(sql, *arguments)

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[None]:
        try:
            yield
        except DATABASE_ERRORS as error:
            self.reached = False
            raise BusUnavailable(f"the queue table: {error!r}") from error
        self.reached = True


def _columns(rows: Sequence[Again]) -> tuple[list[int], list[int], list[str]]:
    return (
        [row.seq for row in rows],
        [row.attempt for row in rows],
        [row.reason for row in rows],
    )


def _message(row: Record) -> Message:
    headers = orjson.loads(row["headers"])
    return Message(row["message_id"], event_name(headers, row["name"]), headers, row["payload"])


def _sent(headers: bytes | None) -> datetime | None:
    try:
        return datetime.fromisoformat(orjson.loads(headers or b"{}")["ce-time"])
    except (KeyError, ValueError):
        return None
